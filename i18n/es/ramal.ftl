### Ramal en español. La fuente es el inglés (en/ramal.ftl).

app-name = Ramal
window-in-call = Ramal — en llamada
window-incoming = Ramal — llamada entrante
window-setup = Ramal — primera configuración

## Barra lateral

nav-phone = Teléfono
nav-settings = Ajustes
nav-back = Volver
action-close = Cerrar

## Acciones: la palabra, y lo que añade la ayuda

action-call = Llamar
    .tip = Llama a lo que está en el campo
action-answer = Contestar
    .tip = Atiende la llamada
action-decline = Rechazar
    .tip = Rechaza la llamada como ocupado
action-hang-up = Colgar
    .tip = Termina la llamada
action-cancel = Cancelar
action-mute = Silenciar
    .tip = Apaga o enciende el micrófono
action-hold = Espera
    .tip = Pone al otro lado en espera, o lo recupera
action-keypad = Teclado
    .tip = Envía dígitos al otro lado
action-audio = Audio
    .tip = Elige micrófono y altavoz
action-transfer = Transferir
    .tip = Pasa la llamada a otra persona
action-conference = Conferencia
    .tip = Une a quien está en espera, o llama a alguien más
action-record = Grabar
    .tip = Graba los dos lados de la llamada en un archivo
action-recording = Grabando
    .tip = Termina la grabación; el archivo queda guardado
action-swap = Alternar
    .tip = Pone esta llamada en espera y retoma la otra
action-call-back = Llamar de nuevo
action-settings = Ajustes
    .tip = Abre los ajustes
action-clear = Borrar el último carácter
    .tip = Mantén pulsado para vaciar el campo
action-details = Detalles
tooltip-with-shortcut = { $text } ({ $shortcut })

## Nombres para lectores de pantalla: qué es, y cómo está

a11y-microphone-on = Micrófono, activo
a11y-microphone-off = Micrófono, silenciado
a11y-hold-on = En espera, retomar
a11y-hold-off = Poner en espera
a11y-keypad-open = Teclado, abierto
a11y-keypad-closed = Teclado, cerrado
a11y-audio = Audio, { $device }
a11y-record-off = Grabar la llamada
a11y-record-on = Grabando, parar
a11y-account = Cuenta { $name }, { $state }
a11y-recent = { $name }, { $summary }, llamar de nuevo
a11y-key = Tecla { $digit }
a11y-key-letters = Tecla { $digit }, { $letters }
a11y-level-microphone = Nivel del micrófono
a11y-level-speaker = Nivel del altavoz
a11y-volume-microphone = Volumen del micrófono, { $value }
a11y-volume-speaker = Volumen del altavoz, { $value }
a11y-password-show = Mostrar la contraseña
a11y-password-hide = Ocultar la contraseña
a11y-theme-dark = Cambiar a colores oscuros
a11y-theme-light = Cambiar a colores claros
a11y-edit-account = Editar la cuenta { $name }
a11y-remove-account = Quitar la cuenta { $name }
a11y-close-notice = Cerrar el aviso
a11y-transfer = Transferir la llamada
a11y-conference-on = En conferencia, llamar a alguien más
a11y-conference-off = Hacer una conferencia
a11y-split = Separar a { $name } de la conferencia
a11y-answer-call = Contestar a { $name }
a11y-swap-to = Alternar a { $name }
a11y-microphone-device = Micrófono, { $device }
a11y-speaker-device = Altavoz, { $device }
a11y-ring-device = Sonar en, { $device }

## Página de marcación

dial-hint = Nombre, número o SIP
dial-recents = Recientes
dial-no-recents = Tus llamadas aparecerán aquí
recent-missed = Perdida
recent-not-answered = Sin respuesta
recent-failed = No se completó
recent-declined = Rechazada
recent-cancelled = Cancelada
recent-elsewhere = Atendida en otro aparato
recent-recorded = grabada
recent-record-failed = falló la grabación

## Estado de la cuenta

account-registered = Registrado
account-registering = Conectando…
account-failed = Sin conexión
account-direct = Llamadas directas
account-unregistered = Desconectado
account-none = Ninguna cuenta
account-direct-name = Este equipo
account-retry = Nuevo intento en { $time }
account-expires = Se renueva cada { $time }
account-reconnect = Conectar ahora
account-disconnect = Desconectar
account-add = Añadir cuenta…
account-manage = Gestionar cuentas…

## Por qué falló un registro, y qué hacer

registration-wrong-password = El servidor rechazó la contraseña
    .todo = Comprueba extensión y contraseña. Algunos operadores dan un usuario de autenticación aparte: está en opciones avanzadas.
registration-password-needed = El servidor pide contraseña y esta cuenta no tiene
    .todo = Escribe la contraseña que te dio el operador o la centralita.
registration-forbidden = El servidor conoce esta extensión, pero no la deja entrar
    .todo = Pregunta a quien lleva la centralita si la extensión está activa y permitida en esta red.
registration-unknown-user = El servidor no conoce esta extensión
    .todo = Comprueba la parte antes de la @.
registration-auth-unsupported = El servidor pide un tipo de autenticación que Ramal no conoce
    .todo = Pide a quien lleva la centralita que ofrezca digest con MD5 o SHA-256.
registration-host-not-found = No se encontró ningún servidor con este nombre
    .todo = Comprueba la parte después de la @, y si este equipo está en línea.
registration-unreachable = Nada responde en la dirección del servidor
    .todo = Comprueba puerto y transporte en opciones avanzadas, y si hay un cortafuegos o una VPN en medio.
registration-timed-out = El servidor no respondió a tiempo
    .todo = Comprueba la dirección y la red. Con UDP un cortafuegos puede tragarse la respuesta: prueba TCP.
registration-server-trouble = El servidor tiene un problema propio
    .todo = Ramal sigue intentándolo; aquí no hay nada que cambiar.
registration-refused = El servidor rechazó el registro
    .todo = Muestra los detalles a quien lleva la centralita.

## Llamadas

call-dialing = Llamando…
call-ringing = Sonando…
call-early-media = Sonando, con audio…
call-incoming = Llamada entrante
call-incoming-for = Llamada para { $account }
call-on-hold = En espera
call-held-by-them = El otro lado te puso en espera
call-held-line = en espera · { $time }
incoming-end-other = Colgar y contestar
    .tip = Termina la llamada de ahora y contesta esta
incoming-let-ring = Dejar sonar
    .tip = Silencio aquí; a quien llama le sigue sonando
call-muted = Tu micrófono está apagado
call-recording = Grabando · { $time }
call-recording-into = Va a { $path }
call-unknown-party = Desconocido
call-digits-sent = Enviado { $digits }
call-no-audio = No se pudo abrir ningún micrófono o altavoz: la llamada está sin sonido

## Calidad

grade-excellent = Excelente
grade-good = Buena
grade-poor = Floja
grade-bad = Mala
quality-numbers = { $mos } · { $delay } ms · { $loss }
quality-numbers-no-delay = { $mos } · { $loss }
quality-measuring = Midiendo…
quality-tip = Nota de 1 a 4,5 · retardo · pérdida
quality-ms = { $value } ms
quality-unknown = aún no se sabe
quality-buffer = { $level } ms de { $target } ms
quality-stretches = { $length } s, { $density }
quality-scores = { $listening } · { $talking }
quality-row-round-trip = Ida y vuelta
quality-row-way = Boca a oído
quality-row-here = Este equipo suma
quality-row-jitter = Variación del retardo
quality-row-buffer = Búfer
quality-row-loss = Perdido
quality-row-late = Demasiado tarde
quality-row-repaired = Recuperado
quality-row-concealed = Inventado
quality-row-bursts = Ráfagas de pérdida
quality-row-gaps = Entre las ráfagas
quality-row-scores = Nota: escuchar · conversar
quality-row-speech-in = Tu voz
quality-row-speech-out = La voz del otro lado
quality-dbov = { $value } dBov
quality-row-there = Nota del otro lado
quality-row-there-loss = Perdido del otro lado
quality-row-there-late = Demasiado tarde del otro lado

## Cómo terminó una llamada: título, por qué, qué hacer

end-title-ended = Llamada terminada
end-title-cancelled = Llamada cancelada
end-title-missed = Llamada perdida
end-title-elsewhere = Atendida en otro aparato
end-title-transferred = Llamada transferida
end-title-declined = Llamada rechazada
end-title-failed = La llamada no se completó
end-talked = Hablasteis { $time }.
end-hung-up-local = Colgaste.
end-hung-up-remote = El otro lado colgó.
end-cancelled-local = Desististe antes de que contestaran.
end-cancelled-remote = Quien llamaba desistió antes de que contestaras.
end-elsewhere = Otro aparato tuyo atendió la llamada.
end-transferred = Quien estaba en la línea ahora habla con otra persona.
end-replaced = La conversación sigue con otra persona en la línea.
end-declined-local = Rechazaste la llamada.
end-declined-remote = La persona llamada rechazó la llamada.
end-busy = La línea está ocupada.
    .todo = Inténtalo de nuevo en un momento.
end-no-answer = Nadie contestó.
    .todo = Inténtalo más tarde.
end-unavailable = El teléfono llamado está apagado, fuera de línea o no quiere ser molestado.
    .todo = Inténtalo más tarde.
end-not-found = El servidor no conoce ese número.
    .todo = Comprueba el número; algunas centralitas piden un prefijo para llamar afuera.
end-no-common-codec = Los dos lados no tienen ningún códec de audio en común.
    .todo = Permite más códecs aquí, o pregunta a quien lleva el otro lado cuál acepta.
end-wrong-password = El servidor rechazó la contraseña para esta llamada.
    .todo = Comprueba la contraseña de la cuenta en los ajustes.
end-password-needed = El servidor pide contraseña y esta cuenta no tiene.
    .todo = Escribe la contraseña en los ajustes de la cuenta.
end-forbidden = El servidor no permite esta llamada.
    .todo = Pregunta a quien lleva la centralita si la extensión puede llamar a este número.
end-host-not-found = No se encontró ningún servidor con el nombre de la dirección.
    .todo = Comprueba la parte después de la @, y si este equipo está en línea.
end-unreachable = Nada responde en la dirección del otro lado.
    .todo = Comprueba la dirección y el puerto, y si hay un cortafuegos en medio.
end-timed-out = El otro lado no respondió a tiempo.
    .todo = Comprueba la red e inténtalo de nuevo.
end-no-media = No se pudo preparar el sonido de la llamada.
    .todo = Comprueba micrófono y altavoz, y si los puertos RTP están libres.
end-server-trouble = El servidor tiene un problema propio.
    .todo = Inténtalo de nuevo en un momento.
end-redirected = El número se mudó, y desde aquí no se puede llamar al lugar nuevo.
    .todo = Pide el número nuevo.
end-not-acknowledged = Contestaste, pero el teléfono de quien llamaba nunca lo confirmó.
    .todo = Devuelve la llamada; si vuelve a pasar, un cortafuegos puede estar tragándose mensajes.
end-refused = El otro lado rechazó la llamada.
    .todo = Muestra los detalles a quien lleva la centralita.
details-status = Código SIP { $status }
details-words = En sus palabras: { $reason }
details-none = El otro lado no dio ningún código

## Avisos

notice-password-not-kept = La contraseña se guarda solo para esta sesión
    .todo = Ningún almacén de contraseñas responde en este equipo. Desbloquea o instala uno (un Secret Service, como GNOME Keyring) y guarda la cuenta de nuevo.
notice-account-unusable = Una cuenta no se puede usar como está escrita
    .todo = Ábrala en la configuración y revise la dirección y los servidores.
notice-settings-not-saved = No se pudieron guardar los ajustes
    .todo = Comprueba el espacio libre y los permisos de la carpeta de ajustes.
notice-device-gone = El micrófono o el altavoz se desconectó
    .todo = Ramal sigue con el predeterminado del sistema; elige otro en Audio.
notice-ringtone-unusable = No se puede reproducir el archivo del timbre
    .todo = Ramal usa el suyo; elige otro en Timbre y tonos.
notice-hold-music-unusable = No se puede reproducir el archivo de la música de espera
    .todo = Debe ser un archivo WAV; elige otro en Timbre y tonos.
notice-record-failed = La grabación se detuvo: no se puede escribir el archivo
    .todo = Revisa el espacio libre y la carpeta; la llamada continúa.
notice-record-disk-full = La grabación se detuvo: el disco está lleno
    .todo = Lo grabado hasta ahí está guardado. Libera espacio, o elige otra carpeta en los ajustes.
notice-record-too-long = La grabación se detuvo: el archivo llegó al tamaño máximo
    .todo = Lo grabado está guardado. Pulsa Grabar otra vez para seguir en otro archivo.
notice-recorded = La grabación está guardada
notice-conference-full = La conferencia está llena
    .todo = Caben ocho llamadas. Separa una para unir otra.
notice-record-gaps = La grabación tiene huecos: el disco es demasiado lento
    .todo = La llamada no se ve afectada. Graba en otro disco.
notice-busy = Ramal está ocupado: el clic no se aceptó
    .todo = Inténtalo de nuevo en un momento.

## Por qué no se cumplió un pedido

refusal-unknown-account = Esta cuenta ya no existe
    .todo = Elige otra cuenta.
refusal-unknown-call = Esta llamada ya terminó
    .todo = No hay nada que hacer.
refusal-not-dialable = Esto no es un número ni una dirección
    .todo = Escribe números, o una dirección como 1001@pbx.ejemplo.
refusal-call-id-in-use = Dos llamadas recibieron el mismo nombre
    .todo = Inténtalo de nuevo.
refusal-wrong-state = La llamada no permite eso ahora
    .todo = Espera a que esté conectada.
refusal-too-many-calls = Ya hay tantas llamadas como Ramal admite a la vez
    .todo = Termina una antes.
refusal-unsupported-scheme = Solo se puede llamar a enlaces sip: y tel:
    .todo = Comprueba el enlace.
refusal-not-accepted = El otro lado no aceptó el cambio
    .todo = La llamada sigue como estaba.
refusal-shutting-down = Ramal se está cerrando
    .todo = No hay nada que hacer.

## Primera configuración y formulario de la cuenta

setup-title = Conecta tu extensión
setup-subtitle = Usa los datos que te envió tu operador o centralita.
setup-address = Dirección SIP
setup-address-hint = 1001@pbx.ejemplo
setup-password = Contraseña
setup-password-kept = Déjala vacía para conservar la guardada
setup-advanced = Opciones avanzadas
setup-advanced-what = transporte, proxy, usuario de autenticación
setup-display-name = Nombre que ve quien recibe tu llamada
setup-auth-user = Usuario de autenticación
setup-auth-user-hint = Si no es la extensión
setup-registrar = Servidor de registro
setup-registrar-hint = Si no es el de la dirección
setup-proxy = Proxy de salida
setup-proxy-hint = host o host:puerto
setup-transport = Transporte
setup-transport-auto = Automático
setup-redirects = Si la llamada se desvía
setup-redirects-follow = Seguir
setup-redirects-refuse = No seguir
setup-transfers = Cuando quieren transferirme
setup-transfers-inside = A extensiones, sin preguntar
setup-transfers-ask = Preguntar siempre
setup-transfer-code = Transferencia por teclas
setup-transfer-code-hint = Solo si la central lo pide: por ejemplo ##*
setup-digits = Teclas en una llamada
setup-digits-agreed = Como las acepte el otro lado
setup-digits-info = Como mensajes (INFO)
setup-digits-short-info = Como mensajes cortos (INFO)
setup-digits-tones = Como tonos en el sonido
setup-tones = Tonos de la línea
setup-tones-same = Como en los ajustes: { $country }
setup-connect = Conectar
setup-save = Guardar
setup-finish = Terminar
setup-lab = ¿Sin centralita? Prueba el laboratorio integrado
setup-edit-title = Editar cuenta
setup-add-title = Añadir cuenta
check-address-ok = Dirección legible
check-address-bad = Esto aún no es una dirección
check-address-bad-why = Se parece a 1001@pbx.ejemplo
check-server-wait = Buscando el servidor…
check-server-ok = Servidor encontrado
check-server-todo = Servidor
check-password-wait = Esperando la comprobación de la contraseña…
check-password-ok = Contraseña aceptada
check-password-todo = Contraseña

## Ajustes

settings-title = Ajustes
settings-language = Idioma
settings-language-system = Sistema: { $name }
settings-theme = Colores
settings-theme-system = Sistema
settings-theme-light = Claro
settings-theme-dark = Oscuro
settings-devices = Audio
settings-microphone = Micrófono
settings-speaker = Altavoz
settings-ring-device = Sonar en
settings-ring-device-same = El mismo altavoz
settings-device-default = Predeterminado del sistema
settings-no-devices = No se encontró ningún dispositivo
settings-pauses = Pausas al hablar
settings-pauses-sent = Enviar
settings-pauses-left-out = Ahorrar red
settings-sounds = Timbre y tonos
settings-ringtone = Timbre
ring-soft = Suave
ring-marimba = Marimba
ring-bell = Campana
ring-desk = Teléfono de mesa
settings-ring-file = Timbre propio (WAV) y Enter
a11y-ringtone = Timbre, { $tone }
a11y-play-ringtone = Oír el timbre
settings-ring-volume = Volumen del timbre
settings-tones = Tonos de la línea
settings-tones-system = Sistema: { $country }
a11y-tones = Tonos de la línea, { $country }
settings-key-tones = Oír las teclas que pulsas
settings-key-tones-received = Oír las teclas del otro lado
settings-hold-music = Música de espera
hold-music-off = Ninguna
hold-music-ours = La de Ramal
a11y-hold-music = Música de espera, { $music }
settings-hold-file = Música propia (WAV) y Enter
settings-recording = Grabaciones
settings-recording-format = Tipo de archivo
recording-opus = Pequeño (Opus)
recording-wav = WAV
settings-recording-sides = Los dos lados de la llamada
recording-mixed = Juntos
recording-stereo = Izquierda y derecha
settings-recording-folder = Los archivos van a
settings-recording-folder-hint = Otra carpeta: ruta y Enter
settings-recording-folder-usual = Carpeta habitual
country-br = Brasil
country-pt = Portugal
country-es = España
country-ar = Argentina
country-cl = Chile
country-co = Colombia
country-mx = México
country-pe = Perú
country-uy = Uruguay
country-py = Paraguay
country-us = Estados Unidos
country-ca = Canadá
country-gb = Reino Unido
country-de = Alemania
country-fr = Francia
country-it = Italia
country-nl = Países Bajos
country-be = Bélgica
country-ch = Suiza
country-at = Austria
country-se = Suecia
country-pl = Polonia
country-ru = Rusia
country-cn = China
country-nz = Nueva Zelanda
settings-accounts = Cuentas
settings-removed = La cuenta { $name } se quitó
settings-removed-undo = Deshacer
settings-no-accounts = Ninguna cuenta todavía

## Sonido: el volumen, y qué puede ir mal

hint-talking-muted = Estás silenciado: nadie oye lo que dices
    .action = Activar micrófono
hint-silent = Tu micrófono no capta sonido
    .action = Cambiar micrófono
hint-clipping = Tu micrófono está demasiado alto
    .action = Bajar
hint-quiet = Tu voz llega baja al otro lado
    .action = Subir
volume-title = Volumen
volume-mute-speaker = Silenciar el altavoz
sound-decibels = { $value } dB
sound-microphone = Tu voz
sound-input = Volumen del micrófono
    .why = Cuánto se amplifica tu voz antes de enviarla.
sound-test-microphone = Probar el micrófono
sound-test-stop = Terminar la prueba
sound-test-idle = La prueba abre el micrófono durante un minuto como máximo. No se envía ni se guarda nada.
sound-test-speak = Habla: la barra debe pasar de la mitad.
sound-test-opening = Abriendo el micrófono…
sound-speaker = Lo que oyes
sound-output = Volumen de las llamadas
    .why = Lo alto que se oye al otro lado, en esta llamada y en las próximas.
sound-test-speaker = Reproducir un sonido de prueba
sound-test-playing = Suenan tres notas.
sound-sidetone = Tu propia voz en el oído
    .why = Para auriculares que tapan los oídos. Se apaga mientras se elimina el eco.
sound-sidetone-off = No
sound-sidetone-soft = Baja
sound-sidetone-middle = Media
sound-sidetone-loud = Alta
voice-title = Voz clara
voice-echo = Eco
    .why = Quita el sonido del altavoz de lo que oye el micrófono.
voice-echo-auto = Automático
voice-echo-on = Siempre
voice-noise = Ruido
    .why = Quita ventiladores y tráfico. Solo la voz quita también teclas y puertas.
voice-noise-low = Poco
voice-noise-high = Mucho
voice-noise-isolation = Solo la voz
voice-gain = Volumen uniforme
    .why = Sube sola la voz baja y baja la voz alta.
voice-gain-on = Sí
voice-off = No

## Un enlace de fuera

link-title = ¿Abrir enlace de llamada?
link-what = Una página o un programa pidió llamar a
link-call-with = Llamar con { $account }

## La propia ventana


## Command line: what happens

cli-calling = Llamando a { $remote } …
cli-incoming = { $remote } está llamando
cli-ringing = Está sonando
cli-early-media = El otro lado envía sonido antes de contestar
cli-answered = Contestada, hablando en { $codec }
cli-keys-ringing = Intro contesta, x e Intro rechaza
cli-keys-talking = Dígitos e Intro se marcan en la llamada, x e Intro cuelga
cli-held-here = En espera
cli-held-there = El otro lado puso la llamada en espera
cli-resumed-here = De vuelta de la espera
cli-resumed-there = El otro lado retomó la llamada
cli-digit = El otro lado marcó { $digit }
cli-no-sound = No llega sonido del otro lado
cli-sound-failed = Un fallo de Ramal cortó el sonido; la llamada se cuelga
cli-device-gone = El dispositivo de audio desapareció
cli-device-back = El dispositivo de audio volvió
cli-device-stands-in = El dispositivo de audio elegido no está: se usa el predeterminado del sistema
cli-microphone-silent = Tu micrófono no capta sonido
cli-microphone-clipping = Tu micrófono está demasiado alto
cli-talking-muted = Tu micrófono está silenciado, y estás hablando

## Command line: what cannot be done

cli-error = Error: { $what }
cli-nearest = ¿Quiso decir { $nearest }?
cli-see-help = `ramal --help` muestra lo que hay.
cli-unknown-argument = no existe la opción { $argument }
cli-unknown-command = no existe el comando { $argument }
cli-invalid-value = { $argument } no acepta { $value }
cli-missing-value = { $argument } necesita un valor
cli-missing-argument = falta { $argument }
cli-conflict = { $argument } no se combina con { $other }
cli-bad-usage = no se entiende la línea de comandos
cli-not-a-uri = { $about } no es una dirección SIP; escríbala como 1001@pbx.ejemplo
cli-not-dialable = no se puede llamar a { $about }; use un número con --aor, o una dirección como sip:1001@pbx.ejemplo
cli-no-such-account = no hay cuenta { $about } en la configuración
cli-account-unusable = la cuenta { $about } está incompleta; corríjala en la ventana
cli-settings-unreadable = no se puede leer la configuración
cli-password-file = no se puede leer la contraseña de { $about }
cli-register-needs-account = indique una cuenta: --aor sip:1001@pbx.ejemplo, o --account
cli-port-in-use = { $address } ya está en uso
cli-port-in-use-by = { $address } ya está en uso por { $owner }
cli-not-local = { $address } no es una dirección de esta máquina
cli-port-forbidden = { $address } exige permisos que este usuario no tiene
cli-bind-failed = no se puede abrir { $address }
cli-no-socket = no hay dirección de red en la que escuchar
cli-file-missing = no existe el archivo { $about }
cli-file-unreadable = no se puede leer el archivo { $about }
cli-file-not-wav = { $about } no es un archivo WAV
cli-file-unsupported = { $about } es un archivo WAV de un tipo que no se puede reproducir; guárdelo como PCM de 16 bits
cli-file-empty = { $about } no contiene sonido
cli-file-too-long = { $about } es demasiado largo para reproducirlo
cli-record-unwritable = no se puede escribir el archivo de sonido { $about }
cli-record-gaps = la grabación { $about } tiene huecos: el disco es demasiado lento
cli-no-device = no hay dispositivo de audio; reproduzca un archivo con --play, o use --silence
cli-no-device-here = No hay micrófono o no hay altavoz: la llamada sigue en silencio. --play reproduce un archivo, --silence calla a propósito
cli-no-such-device = no existe el dispositivo de sonido { $about }; ramal devices los lista
cli-lab-loopback-only = el laboratorio solo escucha en esta máquina, así que { $about } no sirve; use 127.0.0.1
cli-start-failed = el teléfono no arranca
cli-no-window = no se puede abrir la ventana: { $cause }

## Command line: lab, demo, devices, bench

cli-lab-listening = El laboratorio escucha en { $address }. Extensiones 1001 a 1005, contraseña ramal. Ctrl-C lo termina.
cli-lab-services = 600 eco · 601 voz · 602 menú · 603 ocupado · 604 no contesta · 605 sin códec · 606 eco en red mala · 607 le devuelve la llamada · 608 cuelga · 609 lo repite
cli-demo-starts = Llamando al eco del laboratorio incorporado; sin ventana ni tarjeta de sonido
cli-demo-came-back = Su voz volvió: calidad { $quality } de 5, retardo { $delay } ms, códec { $codec }
cli-demo-damaged = No entera: este equipo estaba ocupado y se perdieron trozos
cli-demo-nothing-came = Su voz no volvió
cli-demo-written = Lo que volvió está en { $path }
cli-devices-inputs = Micrófonos
cli-devices-outputs = Altavoces
cli-devices-none = ninguno
cli-devices-default = predeterminado
cli-devices-ring = Suena en: { $device }
cli-devices-ring-same = el mismo altavoz
cli-devices-realtime = El sonido funciona en tiempo real
cli-devices-high-priority = El sonido funciona con prioridad alta; el sistema no da tiempo real
cli-devices-normal-priority = El sonido funciona con prioridad normal: un equipo ocupado puede interrumpirlo
cli-bench-written = { $seconds } s por { $codec } y de vuelta, escritos en { $path }
cli-bench-media-head = códec red WB mejor NB mejor retardo p95 ocult% rep% estir% sil% tarde kbit/s red cod rec mem MOS
cli-bench-live-head = códec red WB mejor NB mejor retardo p95 oído ocult% rep% estir% sil% desc% kbit/s habla oye inicio MOS tarde% tarde llamadas nulas
cli-bench-voice-head = escena WB menor STOI menor eco menor cpu% retardo mem
cli-bench-no-speech = no hay habla en { $about }: indica un archivo WAV o una carpeta de ellos con --speech
cli-bench-no-pesq = el habla no se puede evaluar: { $about } no tiene PESQ
cli-bench-call-failed = una llamada de la medición no llegó a nada

## Command line: help

help-usage = Uso
help-commands = Comandos
help-arguments = Argumentos
help-options = Opciones
help-about = Un softphone de escritorio: sin comando, abre su ventana
help-cmd-call = Llama a alguien, sin ventana
help-cmd-answer = Espera llamadas y las contesta, sin ventana: con Intro si hay teclado, enseguida si no lo hay
help-cmd-register = Registra y mantiene el registro
help-cmd-devices = Lista micrófonos y altavoces
help-cmd-lab = Ejecuta el laboratorio incorporado como servidor en esta máquina
help-cmd-demo = Prueba Ramal en el laboratorio incorporado
help-cmd-inspect = Dice qué se lee de un mensaje SIP, en JSON
help-cmd-bench = Mide
help-cmd-codec = Pasa un archivo de sonido por un códec, sin red
help-cmd-media = Envía habla por redes malas y evalúa lo que se oye: PESQ junto a lo mejor que podría hacerse de los mismos paquetes, retardo en ms, partes del sonido ocultadas, reparadas, estiradas y cambiadas en las pausas, paquetes tardíos, tasas de bits, segundos de CPU por minuto, asignaciones, la estimación del propio teléfono; medianas sobre archivos y semillas
help-cmd-live = Llama entre dos programas por redes malas, en tiempo real, y evalúa lo que se oye: como bench media, y el camino entero de archivo a archivo en ms, segundos de CPU por minuto de los dos programas, ms del clic al primer paquete, cuánto se retrasó la propia medición (las llamadas en que se retrasó son nulas y no cuentan); medianas sobre archivos y semillas
help-cmd-voice = Pasa habla, eco y ruido por el lado del micrófono y evalúa lo que se enviaría: PESQ y STOI de la voz cercana, eco quitado en dB, parte de un núcleo del procesador, retardo en ms, reservas de memoria; medianas sobre archivos y semillas, y el menor valor
help-arg-uri = Número o dirección: 600, 1001@pbx.ejemplo, sip:…, tel:…
help-arg-lang = Idioma: pt-BR, en, es (el del sistema, si no se da)
help-arg-verbose = Dice más en stderr; dos veces: cada mensaje
help-arg-account = Una cuenta de la configuración, por extensión o dirección
help-arg-aor = Su dirección, como sip:1001@pbx.ejemplo; la contraseña viene de RAMAL_PASSWORD o --password-file
help-arg-registrar = El servidor de registro, si no es el de la dirección
help-arg-proxy = El servidor por el que todo pasa primero
help-arg-auth-user = El usuario de la contraseña, si no es la extensión
help-arg-no-register = Usa la dirección sin registrarla
help-arg-digits-by = Cómo llegan las teclas al otro lado: agreed (lo normal), info, short-info o tones
help-arg-no-redirects = No seguir una llamada que se desvía (3xx)
help-arg-password-file = Un archivo cuya primera línea es la contraseña
help-arg-display-name = El nombre mostrado a quien llama
help-arg-expires = Segundos de validez del registro
help-arg-bind = Dónde escuchar, ADDR o ADDR:PUERTO
help-arg-transport = Cómo viaja la señalización
help-arg-rtp-ports = Puertos para el sonido; se toma el primero par libre
help-arg-codecs = Códecs, el mejor primero: opus,g722,pcma,pcmu
help-arg-ptime = Milisegundos de sonido por paquete: 10, 20, 30, 40 o 60
help-arg-silence-suppression = Describe las pausas en lugar de enviarlas, donde el otro lado lo acepta
help-arg-resend = Se pueden reenviar paquetes mientras se pierden muchos: nunca; con Opus, y con los otros donde no se ofrece; o siempre
help-arg-max-delay-ms = Lo máximo que el sonido espera paquetes atrasados: 40 a 2000 ms (normal: 400)
help-arg-start-delay-ms = Cuánto espera el sonido al inicio de la llamada: 10 a 2000 ms (normal: 40)
help-arg-play = Un archivo WAV en lugar del micrófono
help-arg-looped = Empieza de nuevo el archivo al final
help-arg-record = Un archivo para lo que se dice: Ogg Opus si el nombre termina en .opus, si no WAV
help-arg-record-sides = Quién está en la grabación: el otro lado (far), los dos en un canal (mixed), o tú a la izquierda y el otro lado a la derecha (stereo)
help-arg-echo = El eco del altavoz en el micrófono: se quita si se mide, siempre o nunca
help-arg-noise = El ruido de la sala: se deja, se quita un poco, bastante, o todo menos la voz
help-arg-no-gain = No se ajusta el volumen de la voz
help-arg-input-device = El micrófono, por nombre
help-arg-output-device = El altavoz, por nombre
help-arg-silence = Sin micrófono ni altavoz
help-arg-input-gain = Ganancia de lo que dices, en dB: -20 a 20
help-arg-output-gain = Ganancia de lo que oyes, en dB: -20 a 20
help-arg-sidetone = Tu propia voz en el oído, en dB: -30 a -10; solo con auriculares
help-arg-duration = Cuelga después de tantos segundos
help-arg-dtmf = Dígitos a enviar, 12# o 12#@3 para tres segundos después de contestar
help-arg-hold-at = Pone en espera tantos segundos después de contestar
help-arg-transfer = Transferir la llamada a URI S segundos después de contestada
help-arg-attended = Retener la llamada, llamar a URI y pasarle la llamada cuando conteste
help-arg-conference = Retener la llamada, llamar a URI y juntar a los tres cuando conteste
help-arg-accept-transfers = Dejar que el otro lado pase la llamada a cualquiera
help-arg-resume-at = Retoma tantos segundos después de contestar
help-arg-json = Eventos en líneas JSON en stdout, frases en stderr
help-arg-no-answer = Desiste después de tantos segundos sonando
help-arg-auto-answer = Contesta después de tantos segundos; enseguida, si no se dan
help-arg-reject = Rechaza llamadas con este código: 486, 480, 603
help-arg-max-calls = Termina después de tantas llamadas
help-arg-once = Termina en cuanto el servidor responda
help-arg-seed = La semilla de la red mala de la extensión 606
help-arg-no-window = La llamada de eco en la línea de comandos, aunque haya pantalla
help-arg-extension = A qué extensión del laboratorio llamar
help-arg-file = El mensaje; - para la entrada estándar
help-arg-input = El archivo WAV a leer
help-arg-output = El archivo WAV a escribir
help-arg-codec = El códec: opus, g722, pcma, pcmu
help-arg-profiles = Redes: clean, loss5, loss10, loss20burst, wifi, jitter60, bufferbloat, reorderdup, wifistall
help-arg-at-once = Llamadas al mismo tiempo (normalmente dos por procesador)
help-arg-scenes = Escenas que se miden
help-arg-seeds = Recorridos de cada red o escena
help-arg-speech = Un archivo WAV, o una carpeta con uno por locutor
help-arg-seconds = Segundos de habla en una llamada, como mínimo
help-arg-python = Un Python con el paquete pesq; sin él no se evalúa nada
help-arg-keep = Guarda las grabaciones en esta carpeta
help-arg-help = Muestra esta ayuda
help-arg-version = Muestra la versión

## Transfers

transfer-begun = Transfiriendo a { $to }
transfer-accepted = El otro lado aceptó y está llamando
transfer-ringing = Está sonando allí
transfer-succeeded = Transferida: los dos ya están hablando
transfer-untold = Transferida. El otro lado no dice cómo terminó
transfer-busy = Allí está ocupado. La llamada volvió a ti
transfer-not-found = Ese número no existe. La llamada volvió a ti
transfer-no-answer = Nadie contestó allí. La llamada volvió a ti
transfer-not-able = El aparato del otro lado no sabe transferir. La llamada sigue contigo
transfer-declined = La transferencia fue rechazada. La llamada sigue contigo
transfer-failed = La transferencia no resultó. La llamada volvió a ti
cli-transfer-asked = El otro lado quiere transferirte a { $to }

transfer-title = Transferir a { $name }
transfer-consult = Consultar antes
transfer-direct = Transferir ya
transfer-consult-now = Consultar
transfer-now = Transferir
transfer-consult-why = { $name } queda en espera mientras hablas con la otra persona. Completa para unir a los dos, o vuelve a la primera llamada.
transfer-direct-why = { $name } pasa enseguida a quien elijas. Si no sale bien, la llamada vuelve contigo.
transfer-to-other = Unir con { $name }
transfer-choose = Elegir a { $name }
transfer-consulting = Estás consultando por { $name }
transfer-consulting-why = Completa para unir a los dos, o vuelve y cuelga esta.
transfer-return = Volver
transfer-complete = Completar
transfer-asked = { $name } quiere transferirte
transfer-asked-to = Hablarías con { $to }
transfer-asked-stay = Quedarme
transfer-asked-go = Aceptar

## Conferencia

conference-add-title = Llamar a alguien más
conference-add-why = { $name } queda en espera mientras suena. Después pulsa Conferencia otra vez para unir a todos.
call-focus = Esta llamada es una conferencia: todos en ella se oyen.
conference-in = en conferencia
conference-split = Separar
    .tip = Sale de la conferencia y queda en espera

## Mensajes

message-sending = Enviando…
message-waiting = Esperando para enviarse: { $why }
message-delivered = Entregado
message-failed = No entregado: { $why }
message-not-an-address = Esto no es un número ni una dirección
    .todo = Escribe dígitos, o una dirección como 1001@pbx.ejemplo.
message-length = No hay nada escrito, o hay demasiado
    .todo = Escribe algo más corto.
message-too-long = El mensaje es demasiado largo para el camino hasta el servidor
    .todo = Divídelo en dos, o elige TCP en los ajustes de la cuenta.
message-too-many = Ya hay demasiados mensajes esperando
    .todo = Espera a que salgan algunos.
message-no-account = Esta cuenta ya no existe
    .todo = Elige otra cuenta.
message-not-registered = Esta extensión no está conectada a su servidor
    .todo = Saldrá solo cuando vuelva la conexión.
message-not-found = Este número no existe
    .todo = Revisa el número.
message-forbidden = El servidor no permite mensajes a ese destino
    .todo = Pregunta a quien se encarga de la central.
message-unavailable = No hay nadie ahora mismo
    .todo = Inténtalo más tarde.
message-declined = El otro lado no quiere este mensaje
    .todo = Llama en vez de escribir.
message-not-understood = El teléfono del otro lado no lee mensajes
    .todo = Llama en vez de escribir.
message-wrong-password = El servidor rechazó la contraseña
    .todo = Revisa la contraseña en los ajustes de la cuenta.
message-password-needed = El servidor pide contraseña y esta cuenta no tiene ninguna
    .todo = Escribe la contraseña en los ajustes de la cuenta.
message-host-not-found = No se encontró ningún servidor con el nombre de la dirección
    .todo = Revisa la parte después de la @, y si este equipo está en la red.
message-unreachable = Nada responde en esa dirección
    .todo = Revisa la dirección, y si hay un cortafuegos en medio.
message-timed-out = No llegó respuesta; puede que el mensaje haya llegado igual
    .todo = Revisa la red e inténtalo de nuevo.
message-server-trouble = El servidor tiene un problema
    .todo = Inténtalo de nuevo en un rato.
message-withdrawn = El mensaje se retiró antes de salir
    .todo = Envíalo de nuevo si todavía hace falta.
message-refused = El otro lado rechazó el mensaje
    .todo = Muestra los detalles a quien se encarga de la central.
notice-messages-set-aside = No se pudieron leer las conversaciones guardadas
    .todo = Se apartaron en { $path }, y empiezan otras nuevas. No se borró nada.
notice-messages-not-kept = Las conversaciones no se están guardando
    .todo = Se quedan hasta que cierres Ramal. Revisa el espacio libre y los permisos de la carpeta de datos.
notice-message-lost = Demasiados mensajes a la vez: uno no se aceptó
    .todo = Escríbelo de nuevo en un momento.
cli-message-received = Mensaje de { $from }: { $text }
cli-typing = { $peer } está escribiendo…
cli-message-empty = No hay mensaje que enviar
cli-message-too-long = El mensaje tiene más de { $about } bytes
help-cmd-message = Envía un mensaje y espera a que se entregue
help-arg-text = El mensaje; - para leerlo de la entrada estándar
help-arg-retry-for = Sigue intentándolo tantos segundos si no hay nadie

nav-messages = Mensajes
nav-messages-unread = Mensajes, { $count ->
        [one] { $count } sin leer
       *[other] { $count } sin leer
    }
messages-title = Mensajes
messages-none = Todavía no hay conversaciones.
messages-new = Mensaje nuevo
messages-to = Extensión, número o dirección
messages-begin = Escribir
messages-hint = Escribe un mensaje
messages-send = Enviar
messages-again = Intentar de nuevo
messages-writes = { $name } está escribiendo…
messages-older = Mostrar mensajes anteriores
messages-call = Llamar a { $name }
messages-forget = Borrar esta conversación
messages-forgotten = Conversación con { $name } borrada
messages-from-you = Tú: { $text }
messages-not-delivered = No entregado: { $text }
a11y-conversation = Conversación con { $name }, { $moment }
a11y-conversation-unread = Conversación con { $name }, { $count ->
        [one] { $count } mensaje sin leer
       *[other] { $count } mensajes sin leer
    }
settings-messages-keep = Conversaciones al cerrar Ramal
settings-messages-kept = Guardar
settings-messages-dropped = Olvidar
settings-messages-again = Cuando no hay nadie
settings-messages-again-day = Intentar un día
settings-messages-again-once = Avisar y parar
settings-messages-typing = Que estás escribiendo
settings-messages-typing-told = Mostrar
settings-messages-typing-untold = No mostrar
setup-writers = Quién puede enviar mensajes
setup-writers-server = Quien pasa por el servidor
setup-writers-anyone = Cualquiera en la red
setup-writers-nobody = Nadie
