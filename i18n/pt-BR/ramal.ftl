### Ramal em português do Brasil. A fonte é o inglês (en/ramal.ftl).

app-name = Ramal
window-in-call = Ramal — em chamada
window-incoming = Ramal — chamada recebida
window-setup = Ramal — primeira configuração

## Barra lateral

nav-phone = Telefone
nav-settings = Configurações
nav-back = Voltar
action-close = Fechar

## Ações: a palavra, e o que a dica acrescenta

action-call = Ligar
    .tip = Liga para o que está no campo
action-answer = Atender
    .tip = Atende a chamada
action-decline = Recusar
    .tip = Recusa a chamada como ocupado
action-hang-up = Desligar
    .tip = Encerra a chamada
action-cancel = Cancelar
action-mute = Mudo
    .tip = Desliga ou liga o microfone
action-hold = Espera
    .tip = Põe o outro lado em espera, ou o traz de volta
action-keypad = Teclado
    .tip = Envia dígitos para o outro lado
action-audio = Áudio
    .tip = Escolhe microfone e alto-falante
action-transfer = Transferir
    .tip = Passa a chamada para outra pessoa
action-conference = Conferência
    .tip = Junta na conversa quem está em espera, ou chama mais alguém
action-record = Gravar
    .tip = Grava os dois lados da chamada num arquivo
action-recording = Gravando
    .tip = Encerra a gravação; o arquivo fica guardado
action-swap = Alternar
    .tip = Põe esta chamada em espera e volta para a outra
action-call-back = Ligar de novo
action-settings = Configurações
    .tip = Abre as configurações
action-clear = Apagar o último caractere
    .tip = Segure para limpar o campo
action-details = Detalhes
tooltip-with-shortcut = { $text } ({ $shortcut })

## Nomes para leitores de tela: o que é, e como está

a11y-microphone-on = Microfone, ativo
a11y-microphone-off = Microfone, mudo
a11y-hold-on = Em espera, retomar
a11y-hold-off = Pôr em espera
a11y-keypad-open = Teclado, aberto
a11y-keypad-closed = Teclado, fechado
a11y-audio = Áudio, { $device }
a11y-record-off = Gravar a chamada
a11y-record-on = Gravando, parar
a11y-account = Conta { $name }, { $state }
a11y-recent = { $name }, { $summary }, ligar de novo
a11y-key = Tecla { $digit }
a11y-key-letters = Tecla { $digit }, { $letters }
a11y-level-microphone = Nível do microfone
a11y-level-speaker = Nível do alto-falante
a11y-volume-microphone = Volume do microfone, { $value }
a11y-volume-speaker = Volume do alto-falante, { $value }
a11y-password-show = Mostrar a senha
a11y-password-hide = Esconder a senha
a11y-theme-dark = Mudar para cores escuras
a11y-theme-light = Mudar para cores claras
a11y-edit-account = Editar a conta { $name }
a11y-remove-account = Remover a conta { $name }
a11y-close-notice = Fechar o aviso
a11y-transfer = Transferir a chamada
a11y-conference-on = Em conferência, chamar mais alguém
a11y-conference-off = Fazer uma conferência
a11y-split = Separar { $name } da conferência
a11y-answer-call = Atender { $name }
a11y-swap-to = Alternar para { $name }
a11y-microphone-device = Microfone, { $device }
a11y-speaker-device = Alto-falante, { $device }
a11y-ring-device = Tocar em, { $device }

## Página de discagem

dial-hint = Nome, número ou SIP
dial-recents = Recentes
dial-no-recents = Suas chamadas aparecem aqui
recent-missed = Perdida
recent-not-answered = Não atendida
recent-failed = Não completou
recent-declined = Recusada
recent-cancelled = Cancelada
recent-elsewhere = Atendida em outro aparelho
recent-recorded = gravada
recent-record-failed = gravação falhou

## Estado da conta

account-registered = Registrado
account-registering = Conectando…
account-failed = Sem conexão
account-direct = Chamadas diretas
account-unregistered = Desconectado
account-none = Nenhuma conta
account-direct-name = Este computador
account-retry = Nova tentativa em { $time }
account-expires = Renovado a cada { $time }
account-reconnect = Conectar agora
account-disconnect = Desconectar
account-add = Adicionar conta…
account-manage = Gerenciar contas…

## Por que um registro falhou, e o que fazer

registration-wrong-password = O servidor recusou a senha
    .todo = Confira ramal e senha. Algumas operadoras dão um usuário de autenticação à parte: ele fica em opções avançadas.
registration-password-needed = O servidor pede senha e esta conta não tem nenhuma
    .todo = Digite a senha que a operadora ou o PABX enviou.
registration-forbidden = O servidor conhece este ramal, mas não o deixa entrar
    .todo = Pergunte a quem cuida do PABX se o ramal está ativo e liberado nesta rede.
registration-unknown-user = O servidor não conhece este ramal
    .todo = Confira a parte antes do @.
registration-auth-unsupported = O servidor pede um tipo de autenticação que o Ramal não conhece
    .todo = Peça a quem cuida do PABX que ofereça digest com MD5 ou SHA-256.
registration-host-not-found = Nenhum servidor foi encontrado com este nome
    .todo = Confira a parte depois do @, e se este computador está na rede.
registration-unreachable = Nada responde no endereço do servidor
    .todo = Confira porta e transporte em opções avançadas, e se há um firewall ou uma VPN no caminho.
registration-timed-out = O servidor não respondeu a tempo
    .todo = Confira o endereço e a rede. Com UDP um firewall pode engolir a resposta: experimente TCP.
registration-server-trouble = O servidor está com problemas
    .todo = O Ramal continua tentando; não há nada a mudar aqui.
registration-refused = O servidor recusou o registro
    .todo = Mostre os detalhes a quem cuida do PABX.

## Chamadas

call-dialing = Chamando…
call-ringing = Tocando…
call-early-media = Tocando, com som…
call-incoming = Chamada recebida
call-incoming-for = Chamada para { $account }
call-on-hold = Em espera
call-held-by-them = O outro lado pôs você em espera
call-held-line = em espera · { $time }
incoming-end-other = Desligar e atender
    .tip = Desliga a chamada de agora e atende esta
incoming-let-ring = Deixar tocar
    .tip = Para o toque aqui; quem ligou continua chamando
call-muted = Seu microfone está mudo
call-recording = Gravando · { $time }
call-recording-into = Vai para { $path }
call-unknown-party = Desconhecido
call-digits-sent = Enviado { $digits }
call-no-audio = Nenhum microfone ou alto-falante pôde ser aberto: a chamada está sem som

## Qualidade

grade-excellent = Ótima
grade-good = Boa
grade-poor = Fraca
grade-bad = Ruim
quality-numbers = { $mos } · { $delay } ms · { $loss }
quality-numbers-no-delay = { $mos } · { $loss }
quality-measuring = Medindo…
quality-tip = Nota de 1 a 4,5 · atraso · perda
quality-ms = { $value } ms
quality-unknown = ainda não se sabe
quality-buffer = { $level } ms de { $target } ms
quality-stretches = { $length } s, { $density }
quality-scores = { $listening } · { $talking }
quality-row-round-trip = Ida e volta
quality-row-way = Boca a ouvido
quality-row-here = Este computador soma
quality-row-jitter = Variação do atraso
quality-row-buffer = Buffer
quality-row-loss = Perdido
quality-row-late = Tarde demais
quality-row-repaired = Recuperado
quality-row-concealed = Inventado
quality-row-bursts = Rajadas de perda
quality-row-gaps = Entre as rajadas
quality-row-scores = Nota: ouvir · conversar
quality-row-speech-in = Sua voz
quality-row-speech-out = A voz do outro lado
quality-dbov = { $value } dBov
quality-row-there = Nota do outro lado
quality-row-there-loss = Perdido do outro lado
quality-row-there-late = Tarde demais do outro lado

## Como uma chamada terminou: título, por quê, o que fazer

end-title-ended = Chamada encerrada
end-title-cancelled = Chamada cancelada
end-title-missed = Chamada perdida
end-title-elsewhere = Atendida em outro aparelho
end-title-transferred = Chamada transferida
end-title-declined = Chamada recusada
end-title-failed = A ligação não completou
end-talked = Vocês falaram por { $time }.
end-hung-up-local = Você desligou.
end-hung-up-remote = O outro lado desligou.
end-cancelled-local = Você desistiu antes de atenderem.
end-cancelled-remote = Quem ligou desistiu antes de você atender.
end-elsewhere = Outro aparelho seu atendeu a chamada.
end-transferred = Quem estava na linha agora fala com outra pessoa.
end-replaced = A conversa continua com outra pessoa na linha.
end-declined-local = Você recusou a chamada.
end-declined-remote = A pessoa chamada recusou a ligação.
end-busy = A linha está ocupada.
    .todo = Tente de novo daqui a pouco.
end-no-answer = Ninguém atendeu.
    .todo = Tente de novo mais tarde.
end-unavailable = O telefone chamado está desligado, fora da rede ou não quer ser perturbado.
    .todo = Tente de novo mais tarde.
end-not-found = O servidor não conhece esse número.
    .todo = Confira o número; alguns PABX pedem um prefixo para ligar para fora.
end-no-common-codec = Os dois lados não têm nenhum codec de áudio em comum.
    .todo = Ative mais codecs aqui, ou pergunte a quem cuida do outro lado qual ele aceita.
end-wrong-password = O servidor recusou a senha para esta ligação.
    .todo = Confira a senha da conta nas configurações.
end-password-needed = O servidor pede senha e esta conta não tem nenhuma.
    .todo = Digite a senha nas configurações da conta.
end-forbidden = O servidor não permite esta ligação.
    .todo = Pergunte a quem cuida do PABX se o ramal pode ligar para este número.
end-host-not-found = Nenhum servidor foi encontrado com o nome do endereço.
    .todo = Confira a parte depois do @, e se este computador está na rede.
end-unreachable = Nada responde no endereço do outro lado.
    .todo = Confira o endereço e a porta, e se há um firewall no caminho.
end-timed-out = O outro lado não respondeu a tempo.
    .todo = Confira a rede e tente de novo.
end-no-media = Não foi possível preparar o som da chamada.
    .todo = Confira microfone e alto-falante, e se as portas RTP estão livres.
end-server-trouble = O servidor está com problemas.
    .todo = Tente de novo daqui a pouco.
end-redirected = O número mudou, e não dá para ligar para o novo lugar daqui.
    .todo = Peça o número novo.
end-not-acknowledged = Você atendeu, mas o telefone de quem ligou nunca confirmou.
    .todo = Ligue de volta; se acontecer de novo, um firewall pode estar engolindo mensagens.
end-refused = O outro lado recusou a ligação.
    .todo = Mostre os detalhes a quem cuida do PABX.
details-status = Código SIP { $status }
details-words = Nas palavras deles: { $reason }
details-none = O outro lado não deu nenhum código

## Avisos

notice-password-not-kept = A senha vale só para esta sessão
    .todo = Nenhum cofre de senhas responde neste computador. Desbloqueie ou instale um (um Secret Service, como o GNOME Keyring) e salve a conta de novo.
notice-account-unusable = Uma conta não pode ser usada como está escrita
    .todo = Abra-a nas configurações e confira o endereço e os servidores.
notice-settings-not-saved = Não foi possível salvar as configurações
    .todo = Confira o espaço livre e as permissões da pasta de configurações.
notice-device-gone = O microfone ou o alto-falante foi desconectado
    .todo = O Ramal segue com o padrão do sistema; escolha outro em Áudio.
notice-ringtone-unusable = O arquivo do toque não pode ser tocado
    .todo = O Ramal usa o toque dele; escolha outro em Toques e tons.
notice-hold-music-unusable = O arquivo da música de espera não pode ser tocado
    .todo = Precisa ser um arquivo WAV; escolha outro em Toques e tons.
notice-record-failed = A gravação parou: não dá para gravar o arquivo
    .todo = Confira o espaço livre e a pasta; a chamada continua.
notice-record-disk-full = A gravação parou: o disco está cheio
    .todo = O que foi gravado até ali está salvo. Libere espaço, ou escolha outra pasta nas configurações.
notice-record-too-long = A gravação parou: o arquivo chegou ao tamanho máximo
    .todo = O que foi gravado está salvo. Aperte Gravar de novo para seguir em outro arquivo.
notice-recorded = A gravação foi salva
notice-conference-full = A conferência está cheia
    .todo = Cabem oito chamadas. Separe uma para juntar outra.
notice-record-gaps = A gravação tem falhas: o disco é lento demais
    .todo = A chamada em si não é afetada. Grave em outro disco.
notice-busy = O Ramal está ocupado: o clique não foi aceito
    .todo = Tente de novo daqui a pouco.

## Por que um pedido não foi atendido

refusal-unknown-account = Esta conta não existe mais
    .todo = Escolha outra conta.
refusal-unknown-call = Esta chamada já terminou
    .todo = Não há nada a fazer.
refusal-not-dialable = Isto não é um número nem um endereço
    .todo = Digite números, ou um endereço como 1001@pbx.exemplo.
refusal-call-id-in-use = Duas chamadas receberam o mesmo nome
    .todo = Tente de novo.
refusal-wrong-state = A chamada não permite isso agora
    .todo = Espere até que ela esteja conectada.
refusal-too-many-calls = Já há tantas chamadas quantas o Ramal aceita ao mesmo tempo
    .todo = Encerre uma antes.
refusal-unsupported-scheme = Só dá para ligar para links sip: e tel:
    .todo = Confira o link.
refusal-not-accepted = O outro lado não aceitou a mudança
    .todo = A chamada continua como estava.
refusal-shutting-down = O Ramal está fechando
    .todo = Não há nada a fazer.

## Primeira configuração e formulário da conta

setup-title = Conecte seu ramal
setup-subtitle = Use os dados que sua operadora ou PABX enviou.
setup-address = Endereço SIP
setup-address-hint = 1001@pbx.exemplo
setup-password = Senha
setup-password-kept = Deixe vazio para manter a senha guardada
setup-advanced = Opções avançadas
setup-advanced-what = transporte, proxy, usuário de autenticação
setup-display-name = Nome mostrado a quem você liga
setup-auth-user = Usuário de autenticação
setup-auth-user-hint = Se não for o ramal
setup-registrar = Servidor de registro
setup-registrar-hint = Se não for o do endereço
setup-proxy = Proxy de saída
setup-proxy-hint = host ou host:porta
setup-transport = Transporte
setup-transport-auto = Automático
setup-redirects = Se a ligação for desviada
setup-redirects-follow = Seguir
setup-redirects-refuse = Não seguir
setup-transfers = Quando querem me transferir
setup-transfers-inside = Para ramais, sem perguntar
setup-transfers-ask = Perguntar sempre
setup-transfer-code = Transferência por teclas
setup-transfer-code-hint = Só se o PABX pede: por exemplo ##*
setup-digits = Teclas numa chamada
setup-digits-agreed = Como o outro lado aceita
setup-digits-info = Como mensagens (INFO)
setup-digits-short-info = Como mensagens curtas (INFO)
setup-digits-tones = Como tons no áudio
setup-tones = Tons da linha
setup-tones-same = Como nas configurações: { $country }
setup-connect = Conectar
setup-save = Salvar
setup-finish = Concluir
setup-lab = Sem PABX? Experimente no laboratório embutido
setup-edit-title = Editar conta
setup-add-title = Adicionar conta
check-address-ok = Endereço legível
check-address-bad = Isto ainda não é um endereço
check-address-bad-why = Ele se parece com 1001@pbx.exemplo
check-server-wait = Procurando o servidor…
check-server-ok = Servidor encontrado
check-server-todo = Servidor
check-password-wait = Esperando a conferência da senha…
check-password-ok = Senha aceita
check-password-todo = Senha

## Configurações

settings-title = Configurações
settings-language = Idioma
settings-language-system = Sistema: { $name }
settings-theme = Cores
settings-theme-system = Sistema
settings-theme-light = Claro
settings-theme-dark = Escuro
settings-devices = Áudio
settings-microphone = Microfone
settings-speaker = Alto-falante
settings-ring-device = Tocar em
settings-ring-device-same = Mesmo alto-falante
settings-device-default = Padrão do sistema
settings-no-devices = Nenhum dispositivo foi encontrado
settings-pauses = Pausas na fala
settings-pauses-sent = Enviar
settings-pauses-left-out = Poupar rede
settings-sounds = Toques e tons
settings-ringtone = Toque
ring-soft = Suave
ring-marimba = Marimba
ring-bell = Sino
ring-desk = Telefone de mesa
settings-ring-file = Toque próprio (WAV) e Enter
a11y-ringtone = Toque, { $tone }
a11y-play-ringtone = Ouvir o toque
settings-ring-volume = Volume do toque
settings-tones = Tons da linha
settings-tones-system = Sistema: { $country }
a11y-tones = Tons da linha, { $country }
settings-key-tones = Ouvir as teclas que você aperta
settings-key-tones-received = Ouvir as teclas do outro lado
settings-hold-music = Música de espera
hold-music-off = Nenhuma
hold-music-ours = A do Ramal
a11y-hold-music = Música de espera, { $music }
settings-hold-file = Música própria (WAV) e Enter
settings-recording = Gravações
settings-recording-format = Tipo de arquivo
recording-opus = Pequeno (Opus)
recording-wav = WAV
settings-recording-sides = Os dois lados da chamada
recording-mixed = Juntos
recording-stereo = Esquerda e direita
settings-recording-folder = Os arquivos vão para
settings-recording-folder-hint = Outra pasta: caminho e Enter
settings-recording-folder-usual = Pasta de costume
country-br = Brasil
country-pt = Portugal
country-es = Espanha
country-ar = Argentina
country-cl = Chile
country-co = Colômbia
country-mx = México
country-pe = Peru
country-uy = Uruguai
country-py = Paraguai
country-us = Estados Unidos
country-ca = Canadá
country-gb = Reino Unido
country-de = Alemanha
country-fr = França
country-it = Itália
country-nl = Países Baixos
country-be = Bélgica
country-ch = Suíça
country-at = Áustria
country-se = Suécia
country-pl = Polônia
country-ru = Rússia
country-cn = China
country-nz = Nova Zelândia
settings-accounts = Contas
settings-removed = A conta { $name } foi removida
settings-removed-undo = Desfazer
settings-no-accounts = Nenhuma conta ainda

## Som: o volume, e o que pode estar errado com ele

hint-talking-muted = Você está mudo: ninguém ouve o que você diz
    .action = Ativar microfone
hint-silent = Seu microfone não capta som
    .action = Trocar microfone
hint-clipping = Seu microfone está alto demais
    .action = Baixar
hint-quiet = Sua voz chega baixa ao outro lado
    .action = Aumentar
volume-title = Volume
volume-mute-speaker = Silenciar o alto-falante
sound-decibels = { $value } dB
sound-microphone = Sua voz
sound-input = Volume do microfone
    .why = Quanto sua voz é amplificada antes de ser enviada.
sound-test-microphone = Testar microfone
sound-test-stop = Parar o teste
sound-test-idle = O teste abre o microfone por um minuto, no máximo. Nada é enviado nem guardado.
sound-test-speak = Fale: a barra deve passar do meio.
sound-test-opening = Abrindo o microfone…
sound-speaker = O que você ouve
sound-output = Volume das chamadas
    .why = A altura do outro lado, nesta chamada e nas próximas.
sound-test-speaker = Tocar um som de teste
sound-test-playing = Três notas estão tocando.
sound-sidetone = Sua própria voz no ouvido
    .why = Para fones que tapam os ouvidos. Fica desligada enquanto o eco é retirado.
sound-sidetone-off = Não
sound-sidetone-soft = Baixa
sound-sidetone-middle = Média
sound-sidetone-loud = Alta
voice-title = Fala limpa
voice-echo = Eco
    .why = Tira o som do alto-falante do que o microfone ouve.
voice-echo-auto = Automático
voice-echo-on = Sempre
voice-noise = Ruído
    .why = Tira ventilador e trânsito. Só a voz tira também teclas e portas.
voice-noise-low = Pouco
voice-noise-high = Muito
voice-noise-isolation = Só a voz
voice-gain = Volume constante
    .why = Aumenta sozinho a voz baixa e baixa a voz alta.
voice-gain-on = Ligado
voice-off = Desligado

## Um link de fora

link-title = Abrir link de chamada?
link-what = Uma página ou programa pediu para ligar para
link-call-with = Ligar com { $account }

## A própria janela


## Command line: what happens

cli-calling = Ligando para { $remote } …
cli-incoming = { $remote } está ligando
cli-ringing = Está chamando
cli-early-media = O outro lado já envia som antes de atender
cli-answered = Atendida, falando em { $codec }
cli-keys-ringing = Enter atende, x e Enter recusa
cli-keys-talking = Dígitos e Enter são teclados na chamada, x e Enter desliga
cli-held-here = Em espera
cli-held-there = O outro lado colocou a chamada em espera
cli-resumed-here = De volta da espera
cli-resumed-there = O outro lado retomou a chamada
cli-digit = O outro lado digitou { $digit }
cli-no-sound = Não chega som do outro lado
cli-sound-failed = Uma falha do Ramal cortou o som; a chamada é desligada
cli-device-gone = O dispositivo de áudio sumiu
cli-device-back = O dispositivo de áudio voltou
cli-device-stands-in = O dispositivo de áudio escolhido não está aqui: o padrão do sistema é usado
cli-microphone-silent = Seu microfone não capta som
cli-microphone-clipping = Seu microfone está alto demais
cli-talking-muted = Seu microfone está mudo, e você está falando

## Command line: what cannot be done

cli-error = Erro: { $what }
cli-nearest = Você quis dizer { $nearest }?
cli-see-help = `ramal --help` mostra o que existe.
cli-unknown-argument = não existe a opção { $argument }
cli-unknown-command = não existe o comando { $argument }
cli-invalid-value = { $argument } não aceita { $value }
cli-missing-value = { $argument } precisa de um valor
cli-missing-argument = falta { $argument }
cli-conflict = { $argument } não combina com { $other }
cli-bad-usage = não dá para entender a linha de comando
cli-not-a-uri = { $about } não é um endereço SIP; escreva como 1001@pbx.exemplo
cli-not-dialable = não dá para ligar para { $about }; use um número com --aor, ou um endereço como sip:1001@pbx.exemplo
cli-no-such-account = não há conta { $about } nas configurações
cli-account-unusable = a conta { $about } está incompleta; corrija na janela
cli-settings-unreadable = não dá para ler as configurações
cli-password-file = não dá para ler a senha de { $about }
cli-register-needs-account = informe uma conta: --aor sip:1001@pbx.exemplo, ou --account
cli-port-in-use = { $address } já está em uso
cli-port-in-use-by = { $address } já está em uso por { $owner }
cli-not-local = { $address } não é um endereço desta máquina
cli-port-forbidden = { $address } exige permissões que este usuário não tem
cli-bind-failed = não dá para abrir { $address }
cli-no-socket = não há endereço de rede para escutar
cli-file-missing = não existe o arquivo { $about }
cli-file-unreadable = não dá para ler o arquivo { $about }
cli-file-not-wav = { $about } não é um arquivo WAV
cli-file-unsupported = { $about } é um arquivo WAV de um tipo que não dá para tocar; salve como PCM de 16 bits
cli-file-empty = { $about } não tem som
cli-file-too-long = { $about } é longo demais para tocar
cli-record-unwritable = não dá para gravar o arquivo de som { $about }
cli-record-gaps = a gravação { $about } tem falhas: o disco é lento demais
cli-no-device = não há dispositivo de áudio; toque um arquivo com --play, ou use --silence
cli-no-device-here = Não há microfone ou não há alto-falante: a chamada segue em silêncio. --play toca um arquivo, --silence fica em silêncio de propósito
cli-no-such-device = não existe o dispositivo de som { $about }; ramal devices lista os que há
cli-lab-loopback-only = o laboratório só escuta nesta máquina, então { $about } não serve; use 127.0.0.1
cli-start-failed = o telefone não inicia
cli-no-window = não dá para abrir a janela: { $cause }

## Command line: lab, demo, devices, bench

cli-lab-listening = O laboratório escuta em { $address }. Ramais 1001 a 1005, senha ramal. Ctrl-C encerra.
cli-lab-services = 600 eco · 601 fala · 602 menu (URA) · 603 ocupado · 604 não atende · 605 sem codec · 606 eco em rede ruim · 607 liga de volta · 608 desliga · 609 repete você
cli-demo-starts = Ligando para o eco do laboratório embutido; sem janela nem placa de som
cli-demo-came-back = Sua voz voltou: qualidade { $quality } de 5, atraso { $delay } ms, codec { $codec }
cli-demo-damaged = Não inteira: este computador estava ocupado e perdeu pedaços
cli-demo-nothing-came = Sua voz não voltou
cli-demo-written = O que voltou está em { $path }
cli-devices-inputs = Microfones
cli-devices-outputs = Alto-falantes
cli-devices-none = nenhum
cli-devices-default = padrão
cli-devices-ring = Toca em: { $device }
cli-devices-ring-same = o mesmo alto-falante
cli-devices-realtime = O som roda em tempo real
cli-devices-high-priority = O som roda com prioridade alta; o sistema não dá tempo real
cli-devices-normal-priority = O som roda com prioridade normal: um computador ocupado pode interrompê-lo
cli-bench-written = { $seconds } s por { $codec } e de volta, gravados em { $path }
cli-bench-media-head = codec rede WB melhor NB melhor atraso p95 ocult% rep% estic% sil% tarde kbit/s rede cod rec mem MOS
cli-bench-live-head = codec rede WB melhor NB melhor atraso p95 ouvido ocult% rep% estic% sil% desc% kbit/s fala ouve início MOS tarde% tarde chamadas nulas
cli-bench-voice-head = cena WB menor STOI menor eco menor cpu% atraso mem
cli-bench-no-speech = não há fala em { $about }: indique um arquivo WAV ou uma pasta deles com --speech
cli-bench-no-pesq = a fala não pode ser avaliada: { $about } não tem PESQ
cli-bench-call-failed = uma chamada da medição não deu certo

## Command line: help

help-usage = Uso
help-commands = Comandos
help-arguments = Argumentos
help-options = Opções
help-about = Um softphone para o computador: sem comando, abre a janela
help-cmd-call = Liga para alguém, sem janela
help-cmd-answer = Espera chamadas e atende, sem janela: com Enter se há teclado, na hora se não há
help-cmd-register = Registra e mantém o registro
help-cmd-devices = Lista microfones e alto-falantes
help-cmd-lab = Roda o laboratório embutido como servidor nesta máquina
help-cmd-demo = Experimenta o Ramal no laboratório embutido
help-cmd-inspect = Diz o que se lê de uma mensagem SIP, em JSON
help-cmd-bench = Mede
help-cmd-codec = Passa um arquivo de som por um codec, sem rede
help-cmd-media = Envia fala por redes ruins e avalia o que se ouve: PESQ ao lado do melhor que se faria dos mesmos pacotes, atraso em ms, partes do som ocultadas, reparadas, esticadas e mudadas nas pausas, pacotes atrasados, taxas de bits, segundos de CPU por minuto, alocações, a estimativa do próprio telefone; medianas sobre arquivos e sementes
help-cmd-live = Liga entre dois programas por redes ruins, em tempo real, e avalia o que se ouve: como bench media, e o caminho inteiro de arquivo a arquivo em ms, segundos de CPU por minuto dos dois programas, ms do clique ao primeiro pacote, quanto a própria medição se atrasou (chamadas em que ela se atrasou são nulas e não contam); medianas sobre arquivos e sementes
help-cmd-voice = Passa fala, eco e ruído pelo lado do microfone e avalia o que seria enviado: PESQ e STOI da voz próxima, eco retirado em dB, parte de um núcleo do processador, atraso em ms, alocações; medianas sobre arquivos e sementes, e o menor valor
help-arg-uri = Número ou endereço: 600, 1001@pbx.exemplo, sip:…, tel:…
help-arg-lang = Idioma: pt-BR, en, es (o do sistema, se não for dado)
help-arg-verbose = Diz mais no stderr; duas vezes: cada mensagem
help-arg-account = Uma conta das configurações, pelo ramal ou endereço
help-arg-aor = Seu endereço, como sip:1001@pbx.exemplo; a senha vem de RAMAL_PASSWORD ou --password-file
help-arg-registrar = O servidor de registro, se não for o do endereço
help-arg-proxy = O servidor por onde tudo passa primeiro
help-arg-auth-user = O usuário da senha, se não for o ramal
help-arg-no-register = Usa o endereço sem registrar
help-arg-digits-by = Como as teclas chegam ao outro lado: agreed (o normal), info, short-info ou tones
help-arg-no-redirects = Não seguir uma chamada desviada (3xx)
help-arg-password-file = Um arquivo cuja primeira linha é a senha
help-arg-display-name = O nome mostrado a quem você liga
help-arg-expires = Segundos de validade do registro
help-arg-bind = Onde escutar, ADDR ou ADDR:PORTA
help-arg-transport = Como a sinalização trafega
help-arg-rtp-ports = Portas para o som; usa a primeira par livre
help-arg-codecs = Codecs, o melhor primeiro: opus,g722,pcma,pcmu
help-arg-ptime = Milissegundos de som por pacote: 10, 20, 30, 40 ou 60
help-arg-silence-suppression = Descreve as pausas em vez de enviá-las, onde o outro lado aceita
help-arg-resend = Pacotes podem ser reenviados enquanto muitos se perdem: nunca; com Opus, e com os outros onde ele não é oferecido; ou sempre
help-arg-max-delay-ms = O máximo que o som espera por pacotes atrasados: 40 a 2000 ms (normal: 400)
help-arg-start-delay-ms = Quanto o som espera no início da chamada: 10 a 2000 ms (normal: 40)
help-arg-play = Um arquivo WAV no lugar do microfone
help-arg-looped = Recomeça o arquivo no fim
help-arg-record = Um arquivo para o que é dito: Ogg Opus se o nome termina em .opus, senão WAV
help-arg-record-sides = Quem está na gravação: o outro lado (far), os dois em um canal (mixed), ou você à esquerda e o outro lado à direita (stereo)
help-arg-echo = O eco do alto-falante no microfone: tirar se for medido, sempre ou nunca
help-arg-noise = O ruído do ambiente: deixar, tirar um pouco, bastante, ou tudo menos a voz
help-arg-no-gain = Não ajusta o volume da voz
help-arg-input-device = O microfone, pelo nome
help-arg-output-device = O alto-falante, pelo nome
help-arg-silence = Sem microfone nem alto-falante
help-arg-input-gain = Ganho do que você diz, em dB: -20 a 20
help-arg-output-gain = Ganho do que você ouve, em dB: -20 a 20
help-arg-sidetone = Sua própria voz no ouvido, em dB: -30 a -10; só com fone
help-arg-duration = Desliga depois de tantos segundos
help-arg-dtmf = Dígitos a enviar, 12# ou 12#@3 para três segundos depois de atender
help-arg-hold-at = Coloca em espera tantos segundos depois de atender
help-arg-transfer = Transferir a chamada para URI S segundos depois de atendida
help-arg-attended = Pôr a chamada em espera, ligar para URI e passar a chamada quando atender
help-arg-conference = Pôr a chamada em espera, ligar para URI e juntar os três quando atender
help-arg-accept-transfers = Deixar o outro lado passar a chamada a qualquer um
help-arg-resume-at = Retoma tantos segundos depois de atender
help-arg-json = Eventos em linhas JSON no stdout, frases no stderr
help-arg-no-answer = Desiste depois de tantos segundos chamando
help-arg-auto-answer = Atende depois de tantos segundos; na hora, se não for dado
help-arg-reject = Recusa chamadas com este código: 486, 480, 603
help-arg-max-calls = Encerra depois de tantas chamadas
help-arg-once = Encerra assim que o servidor responder
help-arg-seed = A semente da rede ruim do ramal 606
help-arg-no-window = A chamada de eco na linha de comando, mesmo com tela
help-arg-extension = Qual ramal do laboratório chamar
help-arg-file = A mensagem; - para a entrada padrão
help-arg-input = O arquivo WAV a ler
help-arg-output = O arquivo WAV a gravar
help-arg-codec = O codec: opus, g722, pcma, pcmu
help-arg-profiles = Redes: clean, loss5, loss10, loss20burst, wifi, jitter60, bufferbloat, reorderdup, wifistall
help-arg-at-once = Chamadas ao mesmo tempo (normalmente duas por processador)
help-arg-scenes = Cenas a medir
help-arg-seeds = Percursos de cada rede ou cena
help-arg-speech = Um arquivo WAV, ou uma pasta com um por locutor
help-arg-seconds = Segundos de fala em uma chamada, no mínimo
help-arg-python = Um Python com o pacote pesq; sem ele nada é avaliado
help-arg-keep = Guarda as gravações nesta pasta
help-arg-help = Mostra esta ajuda
help-arg-version = Mostra a versão

## Transfers

transfer-begun = Transferindo para { $to }
transfer-accepted = O outro lado aceitou e está ligando
transfer-ringing = Está chamando lá
transfer-succeeded = Transferida: os dois já estão falando
transfer-untold = Transferida. O outro lado não diz como terminou
transfer-busy = Está ocupado lá. A chamada voltou para você
transfer-not-found = Esse número não existe. A chamada voltou para você
transfer-no-answer = Ninguém atendeu lá. A chamada voltou para você
transfer-not-able = O aparelho do outro lado não sabe transferir. A chamada continua com você
transfer-declined = A transferência foi recusada. A chamada continua com você
transfer-failed = A transferência não deu certo. A chamada voltou para você
cli-transfer-asked = O outro lado quer transferir você para { $to }

transfer-title = Transferir { $name }
transfer-consult = Consultar antes
transfer-direct = Transferir direto
transfer-consult-now = Consultar
transfer-now = Transferir
transfer-consult-why = { $name } fica em espera enquanto você fala com a outra pessoa. Conclua para unir os dois, ou volte à primeira chamada.
transfer-direct-why = { $name } passa na hora para quem você escolher. Se não der certo, a chamada volta para você.
transfer-to-other = Unir com { $name }
transfer-choose = Escolher { $name }
transfer-consulting = Você está consultando sobre { $name }
transfer-consulting-why = Conclua para unir os dois, ou volte e desligue esta.
transfer-return = Voltar
transfer-complete = Concluir
transfer-asked = { $name } quer transferir você
transfer-asked-to = Você falaria com { $to }
transfer-asked-stay = Ficar
transfer-asked-go = Aceitar

## Conferência

conference-add-title = Chamar mais alguém
conference-add-why = { $name } fica em espera enquanto chama. Depois, aperte Conferência de novo para juntar todos.
call-focus = Esta ligação é uma conferência: todos nela se ouvem.
conference-in = em conferência
conference-split = Separar
    .tip = Tira da conferência e põe em espera

## Mensagens

message-sending = Enviando…
message-waiting = Esperando para enviar: { $why }
message-delivered = Entregue
message-failed = Não entregue: { $why }
message-not-an-address = Isto não é um número nem um endereço
    .todo = Digite números, ou um endereço como 1001@pbx.exemplo.
message-length = Não há nada escrito, ou há demais
    .todo = Escreva algo mais curto.
message-too-long = A mensagem é longa demais para o caminho até o servidor
    .todo = Divida em duas, ou escolha TCP nas configurações da conta.
message-too-many = Já há mensagens demais esperando
    .todo = Espere até que algumas saiam.
message-no-account = Esta conta não existe mais
    .todo = Escolha outra conta.
message-not-registered = Este ramal não está conectado ao servidor
    .todo = Ela sai sozinha quando a conexão voltar.
message-not-found = Este número não existe
    .todo = Confira o número.
message-forbidden = O servidor não permite mensagens para lá
    .todo = Pergunte a quem cuida do PABX.
message-unavailable = Não há ninguém lá agora
    .todo = Tente de novo mais tarde.
message-declined = O outro lado não quer esta mensagem
    .todo = Ligue em vez de escrever.
message-not-understood = O aparelho do outro lado não lê mensagens
    .todo = Ligue em vez de escrever.
message-wrong-password = O servidor recusou a senha
    .todo = Confira a senha nas configurações da conta.
message-password-needed = O servidor pede senha e esta conta não tem nenhuma
    .todo = Digite a senha nas configurações da conta.
message-host-not-found = Nenhum servidor foi encontrado com o nome do endereço
    .todo = Confira a parte depois do @, e se este computador está na rede.
message-unreachable = Nada responde nesse endereço
    .todo = Confira o endereço, e se há um firewall no caminho.
message-timed-out = Não veio resposta; a mensagem pode ter chegado mesmo assim
    .todo = Confira a rede e tente de novo.
message-server-trouble = O servidor está com problemas
    .todo = Tente de novo daqui a pouco.
message-withdrawn = A mensagem foi desfeita antes de sair
    .todo = Envie de novo se ainda for preciso.
message-refused = O outro lado recusou a mensagem
    .todo = Mostre os detalhes a quem cuida do PABX.
notice-messages-set-aside = Não foi possível ler as conversas guardadas
    .todo = Elas foram postas de lado em { $path }, e novas começam. Nada foi apagado.
notice-messages-not-kept = As conversas não estão sendo guardadas
    .todo = Elas ficam até o Ramal fechar. Confira o espaço livre e as permissões da pasta de dados.
notice-message-lost = Mensagens demais de uma vez: uma não foi aceita
    .todo = Escreva de novo daqui a pouco.
cli-message-received = Mensagem de { $from }: { $text }
cli-typing = { $peer } está escrevendo…
cli-message-empty = Não há mensagem para enviar
cli-message-too-long = A mensagem tem mais de { $about } bytes
help-cmd-message = Envia uma mensagem e espera até que seja entregue
help-arg-text = A mensagem; - para ler da entrada padrão
help-arg-retry-for = Continua tentando por tantos segundos se não houver ninguém

nav-messages = Mensagens
nav-messages-unread = Mensagens, { $count ->
        [one] { $count } não lida
       *[other] { $count } não lidas
    }
messages-title = Mensagens
messages-none = Nenhuma conversa ainda.
messages-new = Nova mensagem
messages-to = Ramal, número ou endereço
messages-begin = Escrever
messages-hint = Escreva uma mensagem
messages-send = Enviar
messages-again = Tentar de novo
messages-writes = { $name } está escrevendo…
messages-older = Mostrar mensagens anteriores
messages-call = Ligar para { $name }
messages-forget = Apagar esta conversa
messages-forgotten = Conversa com { $name } apagada
messages-from-you = Você: { $text }
messages-not-delivered = Não entregue: { $text }
a11y-conversation = Conversa com { $name }, { $moment }
a11y-conversation-unread = Conversa com { $name }, { $count ->
        [one] { $count } mensagem não lida
       *[other] { $count } mensagens não lidas
    }
settings-messages-keep = Conversas quando o Ramal fecha
settings-messages-kept = Guardar
settings-messages-dropped = Esquecer
settings-messages-again = Quando não há ninguém
settings-messages-again-day = Tentar por um dia
settings-messages-again-once = Avisar e parar
settings-messages-typing = Que você está escrevendo
settings-messages-typing-told = Mostrar
settings-messages-typing-untold = Não mostrar
setup-writers = Quem pode mandar mensagens
setup-writers-server = Quem passa pelo servidor
setup-writers-anyone = Qualquer um na rede
setup-writers-nobody = Ninguém
