### Ramal in English: the source. Every id stands in every catalogue with the same variables and
### attributes; tests/i18n.rs compares them.
### Labels have no trailing colon; what will ask for more ends in …; sentence case.

app-name = Ramal
window-in-call = Ramal — in a call
window-incoming = Ramal — incoming call
window-setup = Ramal — first setup

## Rail

nav-phone = Phone
nav-settings = Settings
nav-back = Back
action-close = Close

## Actions: the word, and what the tooltip adds

action-call = Call
    .tip = Call what stands in the field
action-answer = Answer
    .tip = Take the call
action-decline = Decline
    .tip = Turn the call away as busy
action-hang-up = Hang up
    .tip = End the call
action-cancel = Cancel
action-mute = Mute
    .tip = Turn the microphone off or on
action-hold = Hold
    .tip = Put the other side on hold, or take it back
action-keypad = Keypad
    .tip = Send digits to the other side
action-audio = Audio
    .tip = Choose microphone and speaker
action-transfer = Transfer
    .tip = Hands the call over to somebody else
action-conference = Conference
    .tip = Brings in who is on hold, or calls one more person
action-record = Record
    .tip = Writes both sides of the call into a file
action-recording = Recording
    .tip = Ends the recording; the file is kept
action-swap = Swap
    .tip = Hold this call and take the other one
action-call-back = Call again
action-settings = Settings
    .tip = Open the settings
action-clear = Delete the last character
    .tip = Hold to clear the field
action-details = Details
tooltip-with-shortcut = { $text } ({ $shortcut })

## Names for screen readers: what it is, and how it stands

a11y-microphone-on = Microphone, on
a11y-microphone-off = Microphone, muted
a11y-hold-on = On hold, take back
a11y-hold-off = Hold the call
a11y-keypad-open = Keypad, open
a11y-keypad-closed = Keypad, closed
a11y-audio = Audio, { $device }
a11y-record-off = Record the call
a11y-record-on = Recording, stop
a11y-account = Account { $name }, { $state }
a11y-recent = { $name }, { $summary }, call again
a11y-key = Key { $digit }
a11y-key-letters = Key { $digit }, { $letters }
a11y-level-microphone = Microphone level
a11y-level-speaker = Speaker level
a11y-volume-microphone = Microphone volume, { $value }
a11y-volume-speaker = Speaker volume, { $value }
a11y-password-show = Show password
a11y-password-hide = Hide password
a11y-theme-dark = Switch to dark colours
a11y-theme-light = Switch to light colours
a11y-edit-account = Edit account { $name }
a11y-remove-account = Remove account { $name }
a11y-close-notice = Close the notice
a11y-transfer = Transfer the call
a11y-conference-on = In conference, call one more person
a11y-conference-off = Make a conference
a11y-split = Split { $name } from the conference
a11y-answer-call = Answer { $name }
a11y-swap-to = Swap to { $name }
a11y-microphone-device = Microphone, { $device }
a11y-speaker-device = Speaker, { $device }
a11y-ring-device = Ring on, { $device }

## Dial page

dial-hint = Name, number or SIP
dial-recents = Recents
dial-no-recents = Your calls will appear here
recent-missed = Missed
recent-not-answered = Not answered
recent-failed = Not completed
recent-declined = Declined
recent-cancelled = Cancelled
recent-elsewhere = Answered on another phone
recent-recorded = recorded
recent-record-failed = recording failed

## Account state

account-registered = Registered
account-registering = Connecting…
account-failed = Not connected
account-direct = Direct calls
account-unregistered = Offline
account-none = No account
account-direct-name = This computer
account-retry = Trying again in { $time }
account-expires = Renewed every { $time }
account-reconnect = Connect now
account-disconnect = Go offline
account-add = Add account…
account-manage = Manage accounts…

## Why a registration failed, and what to do

registration-wrong-password = The server refused the password
    .todo = Check extension and password. Some providers give a separate user name for the password: it is under advanced options.
registration-password-needed = The server asks for a password and this account has none
    .todo = Enter the password your provider or PBX gave you.
registration-forbidden = The server knows this extension but does not let it in
    .todo = Ask whoever runs the PBX whether the extension is active and allowed from this network.
registration-unknown-user = The server does not know this extension
    .todo = Check the part before the @.
registration-auth-unsupported = The server asks for a kind of password check that Ramal does not know
    .todo = Ask whoever runs the PBX to offer digest with MD5 or SHA-256.
registration-host-not-found = No server was found under this name
    .todo = Check the part after the @, and whether this computer is online.
registration-unreachable = Nothing answers at the server's address
    .todo = Check port and transport under advanced options, and whether a firewall or a VPN stands between.
registration-timed-out = The server did not answer in time
    .todo = Check the address and the network. With UDP a firewall may swallow the answer: try TCP.
registration-server-trouble = The server has a problem of its own
    .todo = Ramal keeps trying; there is nothing to change here.
registration-refused = The server refused the registration
    .todo = Show the details to whoever runs the PBX.

## Calls

call-dialing = Calling…
call-ringing = Ringing…
call-early-media = Ringing, with sound…
call-incoming = Incoming call
call-incoming-for = Call for { $account }
call-on-hold = On hold
call-held-by-them = The other side put you on hold
call-held-line = on hold · { $time }
incoming-end-other = End and answer
    .tip = Ends the call you are in and answers this one
incoming-let-ring = Let it ring
    .tip = Quiet here; for the caller it goes on ringing
call-muted = Your microphone is off
call-recording = Recording · { $time }
call-recording-into = Goes to { $path }
call-unknown-party = Unknown
call-digits-sent = Sent { $digits }
call-no-audio = No microphone or speaker could be opened: the call is silent

## Quality

grade-excellent = Excellent
grade-good = Good
grade-poor = Poor
grade-bad = Bad
quality-numbers = { $mos } · { $delay } ms · { $loss }
quality-numbers-no-delay = { $mos } · { $loss }
quality-measuring = Measuring…
quality-tip = Score 1 to 4.5 · delay · loss
quality-ms = { $value } ms
quality-unknown = not known yet
quality-buffer = { $level } ms of { $target } ms
quality-stretches = { $length } s, { $density }
quality-scores = { $listening } · { $talking }
quality-row-round-trip = Round trip
quality-row-way = Mouth to ear
quality-row-here = This computer adds
quality-row-jitter = Jitter
quality-row-buffer = Buffer
quality-row-loss = Lost
quality-row-late = Too late
quality-row-repaired = Repaired
quality-row-concealed = Made up
quality-row-bursts = Bursts of loss
quality-row-gaps = Between them
quality-row-scores = Score: listening · talking
quality-row-speech-in = Your voice
quality-row-speech-out = Their voice
quality-dbov = { $value } dBov
quality-row-there = Score on the other side
quality-row-there-loss = Lost over there
quality-row-there-late = Too late over there

## How a call ended: title, why, what to do

end-title-ended = Call ended
end-title-cancelled = Call cancelled
end-title-missed = Missed call
end-title-elsewhere = Answered on another phone
end-title-transferred = Call transferred
end-title-declined = Call declined
end-title-failed = The call did not go through
end-talked = You talked for { $time }.
end-hung-up-local = You hung up.
end-hung-up-remote = The other side hung up.
end-cancelled-local = You gave up before the answer.
end-cancelled-remote = The caller gave up before you answered.
end-elsewhere = Another of your phones took the call.
end-transferred = The other side now talks with someone else.
end-replaced = The conversation goes on with someone else on the line.
end-declined-local = You turned the call away.
end-declined-remote = The person you called turned the call away.
end-busy = The line is busy.
    .todo = Try again in a moment.
end-no-answer = Nobody answered.
    .todo = Try again later.
end-unavailable = The phone you called is switched off, offline or does not want to be disturbed.
    .todo = Try again later.
end-not-found = The server knows no such number.
    .todo = Check the number; some PBXs want a prefix for outside calls.
end-no-common-codec = The two sides have no audio codec in common.
    .todo = Allow more codecs here, or ask whoever runs the other side which it takes.
end-wrong-password = The server refused the password for this call.
    .todo = Check the account's password in the settings.
end-password-needed = The server asks for a password and this account has none.
    .todo = Enter the password in the account's settings.
end-forbidden = The server does not allow this call.
    .todo = Ask whoever runs the PBX whether the extension may call this number.
end-host-not-found = No server was found under the address's name.
    .todo = Check the part after the @, and whether this computer is online.
end-unreachable = Nothing answers at the other side's address.
    .todo = Check the address and the port, and whether a firewall stands between.
end-timed-out = The other side did not answer in time.
    .todo = Check the network, and try again.
end-no-media = The sound of the call could not be set up.
    .todo = Check microphone and speaker, and whether the RTP ports are free.
end-server-trouble = The server has a problem of its own.
    .todo = Try again in a moment.
end-redirected = The number was moved, and the new place can't be called from here.
    .todo = Ask for the new number.
end-not-acknowledged = You answered, but the caller's phone never confirmed it.
    .todo = Call back; if it happens again, a firewall may be swallowing messages.
end-refused = The other side refused the call.
    .todo = Show the details to whoever runs the PBX.
details-status = SIP status { $status }
details-words = In their words: { $reason }
details-none = The other side gave no code

## Notices

notice-password-not-kept = The password is kept for this session only
    .todo = This computer has no password store that answers. Unlock or install one (a Secret Service such as GNOME Keyring), then save the account again.
notice-account-unusable = An account cannot be used as it is written
    .todo = Open it in the settings and look at its address and servers.
notice-settings-not-saved = The settings could not be saved
    .todo = Check the free space and the rights of the settings folder.
notice-device-gone = The microphone or speaker was unplugged
    .todo = Ramal goes on with the system's default; choose another under Audio.
notice-ringtone-unusable = The ring tone's file cannot be played
    .todo = Ramal rings with its own; choose another under Ring and tones.
notice-hold-music-unusable = The file of the music on hold cannot be played
    .todo = It has to be a WAV file; choose another under Ring and tones.
notice-record-failed = A recording stopped: the file cannot be written
    .todo = Check the free space and the folder; the call goes on.
notice-record-disk-full = The recording stopped: the disk is full
    .todo = What was recorded until then is kept. Make room, or choose another folder in Settings.
notice-record-too-long = The recording stopped: the file is as long as it may be
    .todo = What was recorded is kept. Press Record again to go on in another file.
notice-recorded = The recording is saved
notice-conference-full = The conference is full
    .todo = It has room for eight calls. Split one to bring in another.
notice-record-gaps = A recording has gaps: the disk is too slow
    .todo = The call itself is not affected. Record to another disk.
notice-busy = Ramal is busy: the click was not taken
    .todo = Try again in a moment.

## Why a wish was not fulfilled

refusal-unknown-account = This account no longer exists
    .todo = Choose another account.
refusal-unknown-call = This call is already over
    .todo = Nothing to do.
refusal-not-dialable = This is neither a number nor an address
    .todo = Type digits, or an address like 1001@pbx.example.
refusal-call-id-in-use = Two calls got the same name
    .todo = Try again.
refusal-wrong-state = The call can't do that right now
    .todo = Wait until it is connected.
refusal-too-many-calls = There are as many calls as Ramal takes at once
    .todo = End one first.
refusal-unsupported-scheme = Only sip: and tel: links can be called
    .todo = Check the link.
refusal-not-accepted = The other side does not agree to that
    .todo = The call goes on as it was.
refusal-shutting-down = Ramal is closing
    .todo = Nothing to do.

## First setup and account form

setup-title = Connect your extension
setup-subtitle = Use what your provider or PBX sent you.
setup-address = SIP address
setup-address-hint = 1001@pbx.example
setup-password = Password
setup-password-kept = Leave empty to keep the stored one
setup-advanced = Advanced options
setup-advanced-what = transport, proxy, user name for the password
setup-display-name = Name shown to whom you call
setup-auth-user = User name for the password
setup-auth-user-hint = If it is not the extension
setup-registrar = Registrar
setup-registrar-hint = If it is not the address's server
setup-proxy = Outbound proxy
setup-proxy-hint = host or host:port
setup-transport = Transport
setup-transport-auto = Automatic
setup-redirects = When a call is redirected
setup-redirects-follow = Follow
setup-redirects-refuse = Do not follow
setup-transfers = When somebody wants to transfer me
setup-transfers-inside = To extensions, without asking
setup-transfers-ask = Always ask
setup-transfer-code = Transfer by keys
setup-transfer-code-hint = Only if the PBX wants it: ##* for instance
setup-digits = Keys in a call
setup-digits-agreed = As the other side takes them
setup-digits-info = As messages (INFO)
setup-digits-short-info = As short messages (INFO)
setup-digits-tones = As tones in the sound
setup-tones = Tones of the line
setup-tones-same = As in the settings: { $country }
setup-connect = Connect
setup-save = Save
setup-finish = Finish
setup-lab = No PBX? Try the built-in lab
setup-edit-title = Edit account
setup-add-title = Add account
check-address-ok = Address readable
check-address-bad = This is no address yet
check-address-bad-why = It looks like 1001@pbx.example
check-server-wait = Looking for the server…
check-server-ok = Server found
check-server-todo = Server
check-password-wait = Waiting for the password check…
check-password-ok = Password accepted
check-password-todo = Password

## Settings

settings-title = Settings
settings-language = Language
settings-language-system = System: { $name }
settings-theme = Colours
settings-theme-system = System
settings-theme-light = Light
settings-theme-dark = Dark
settings-devices = Audio
settings-microphone = Microphone
settings-speaker = Speaker
settings-ring-device = Ring on
settings-ring-device-same = Same as the speaker
settings-device-default = System default
settings-no-devices = No device was found
settings-pauses = Pauses while speaking
settings-pauses-sent = Send
settings-pauses-left-out = Save network
settings-sounds = Ring and tones
settings-ringtone = Ring tone
ring-soft = Soft
ring-marimba = Marimba
ring-bell = Bell
ring-desk = Desk telephone
settings-ring-file = Own tone (WAV), then Enter
a11y-ringtone = Ring tone, { $tone }
a11y-play-ringtone = Play the ring tone
settings-ring-volume = Ring volume
settings-tones = Tones of the line
settings-tones-system = System: { $country }
a11y-tones = Tones of the line, { $country }
settings-key-tones = Hear the keys you press
settings-key-tones-received = Hear the other side's keys
settings-hold-music = Music on hold
hold-music-off = None
hold-music-ours = Ramal's own
a11y-hold-music = Music on hold, { $music }
settings-hold-file = Own music (WAV), then Enter
settings-recording = Recordings
settings-recording-format = Kind of file
recording-opus = Small (Opus)
recording-wav = WAV
settings-recording-sides = Both sides of the call
recording-mixed = Together
recording-stereo = Left and right
settings-recording-folder = Files go to
settings-recording-folder-hint = Another folder: path and Enter
settings-recording-folder-usual = Usual folder
country-br = Brazil
country-pt = Portugal
country-es = Spain
country-ar = Argentina
country-cl = Chile
country-co = Colombia
country-mx = Mexico
country-pe = Peru
country-uy = Uruguay
country-py = Paraguay
country-us = United States
country-ca = Canada
country-gb = United Kingdom
country-de = Germany
country-fr = France
country-it = Italy
country-nl = Netherlands
country-be = Belgium
country-ch = Switzerland
country-at = Austria
country-se = Sweden
country-pl = Poland
country-ru = Russia
country-cn = China
country-nz = New Zealand
settings-accounts = Accounts
settings-removed = Account { $name } was removed
settings-removed-undo = Undo
settings-no-accounts = No account yet

## Sound: how loud, and what may be wrong with it

hint-talking-muted = You are muted: nobody hears what you say
    .action = Turn microphone on
hint-silent = Your microphone picks up no sound
    .action = Change microphone
hint-clipping = Your microphone is too loud
    .action = Turn down
hint-quiet = Your voice is faint on the other side
    .action = Turn up
volume-title = Volume
volume-mute-speaker = Mute the speaker
sound-decibels = { $value } dB
sound-microphone = Your voice
sound-input = Microphone volume
    .why = How much your voice is turned up before it is sent.
sound-test-microphone = Test microphone
sound-test-stop = Stop the test
sound-test-idle = The test opens the microphone for a minute at most. Nothing is sent or kept.
sound-test-speak = Speak: the bar should move to the middle and beyond.
sound-test-opening = Opening the microphone…
sound-speaker = What you hear
sound-output = Call volume
    .why = How loud the other side is, in this call and the next ones.
sound-test-speaker = Play a test sound
sound-test-playing = Three notes are playing.
sound-sidetone = Your own voice in your ear
    .why = With a headset that closes your ears. Off while echo is being removed.
sound-sidetone-off = Off
sound-sidetone-soft = Soft
sound-sidetone-middle = Medium
sound-sidetone-loud = Loud
voice-title = Clear speech
voice-echo = Echo
    .why = Takes your loudspeaker out of what your microphone hears.
voice-echo-auto = Automatic
voice-echo-on = Always
voice-noise = Noise
    .why = Takes out fans and traffic. Voice only takes out keys and doors too.
voice-noise-low = Low
voice-noise-high = High
voice-noise-isolation = Voice only
voice-gain = Even volume
    .why = Turns a quiet voice up and a loud one down by itself.
voice-gain-on = On
voice-off = Off

## A link from outside

link-title = Open call link?
link-what = A page or program asked to call
link-call-with = Call with { $account }

## The window itself


## Command line: what happens

cli-calling = Calling { $remote } …
cli-incoming = { $remote } is calling
cli-ringing = It is ringing there
cli-early-media = The other side sends sound before the answer
cli-answered = Answered, speaking { $codec }
cli-keys-ringing = Enter answers, x and Enter turns it away
cli-keys-talking = Digits and Enter are pressed for you, x and Enter hangs up
cli-held-here = On hold
cli-held-there = The other side put the call on hold
cli-resumed-here = Back from hold
cli-resumed-there = The other side took the call back
cli-digit = The other side pressed { $digit }
cli-no-sound = No sound comes from the other side
cli-sound-failed = A fault in Ramal ended the sound; the call is hung up
cli-device-gone = The sound device is gone
cli-device-back = The sound device is back
cli-device-stands-in = The chosen sound device is not there: the system's default is used
cli-microphone-silent = Nothing comes from your microphone
cli-microphone-clipping = Your microphone is too loud
cli-talking-muted = Your microphone is muted, and you are talking

## Command line: what cannot be done

cli-error = Error: { $what }
cli-nearest = Did you mean { $nearest }?
cli-see-help = `ramal --help` lists what there is.
cli-unknown-argument = there is no option { $argument }
cli-unknown-command = there is no command { $argument }
cli-invalid-value = { $argument } does not take { $value }
cli-missing-value = { $argument } needs a value
cli-missing-argument = { $argument } is missing
cli-conflict = { $argument } does not go with { $other }
cli-bad-usage = the command line cannot be read
cli-not-a-uri = { $about } is no SIP address; write it like 1001@pbx.example
cli-not-dialable = { $about } cannot be called; write a number with --aor, or an address like sip:1001@pbx.example
cli-no-such-account = there is no account { $about } in the settings
cli-account-unusable = the account { $about } is not complete; mend it in the window
cli-settings-unreadable = the settings cannot be read
cli-password-file = no password can be read from { $about }
cli-register-needs-account = name an account: --aor sip:1001@pbx.example, or --account
cli-port-in-use = { $address } is in use
cli-port-in-use-by = { $address } is in use by { $owner }
cli-not-local = { $address } is no address of this machine
cli-port-forbidden = { $address } needs rights that this user does not have
cli-bind-failed = { $address } cannot be opened
cli-no-socket = no network address to listen on
cli-file-missing = there is no file { $about }
cli-file-unreadable = the file { $about } cannot be read
cli-file-not-wav = { $about } is no WAV file
cli-file-unsupported = { $about } is a WAV file of a kind that cannot be played; save it as 16-bit PCM
cli-file-empty = { $about } holds no sound
cli-file-too-long = { $about } is too long to be played
cli-record-unwritable = the sound file { $about } cannot be written
cli-record-gaps = the recording { $about } has gaps: the disk is too slow
cli-no-device = no sound device can be opened; play a file with --play, or use --silence
cli-no-device-here = There is no microphone or no speaker: the call goes on in silence. --play plays a file, --silence is silent on purpose
cli-no-such-device = there is no sound device { $about }; ramal devices lists them
cli-lab-loopback-only = the lab listens on this machine only, so { $about } will not do; use 127.0.0.1
cli-start-failed = the phone does not start
cli-no-window = the window cannot be opened: { $cause }

## Command line: lab, demo, devices, bench

cli-lab-listening = The lab listens on { $address }. Extensions 1001 to 1005, password ramal. Ctrl-C ends it.
cli-lab-services = 600 echo · 601 speech · 602 menu · 603 busy · 604 never answers · 605 no codec · 606 echo over a bad network · 607 calls you back · 608 hangs up · 609 plays you back
cli-demo-starts = Calling the echo of the built-in lab; no window, no sound card needed
cli-demo-came-back = Your voice came back: quality { $quality } of 5, delay { $delay } ms, codec { $codec }
cli-demo-damaged = Not all of it: this machine was busy, and pieces got lost
cli-demo-nothing-came = Your voice did not come back
cli-demo-written = What came back is in { $path }
cli-devices-inputs = Microphones
cli-devices-outputs = Speakers
cli-devices-none = none
cli-devices-default = default
cli-devices-ring = Rings on: { $device }
cli-devices-ring-same = the same speaker
cli-devices-realtime = Sound runs in real time
cli-devices-high-priority = Sound runs at high priority; the system gives no real time
cli-devices-normal-priority = Sound runs at normal priority: a busy computer may interrupt it
cli-bench-written = { $seconds } s through { $codec } and back, written to { $path }
cli-bench-media-head = codec network WB best NB best delay p95 conc% rep% str% sil% late kbit/s wire enc recv mem MOS
cli-bench-live-head = codec network WB best NB best delay p95 ear conc% rep% str% sil% disc% kbit/s talk hear first MOS late% late calls void
cli-bench-voice-head = scene WB least STOI least echo least cpu% delay mem
cli-bench-no-speech = there is no speech in { $about }: name a WAV file or a folder of them with --speech
cli-bench-no-pesq = the speech cannot be scored: { $about } has no PESQ
cli-bench-call-failed = a call of the bench came to nothing

## Command line: help

help-usage = Usage
help-commands = Commands
help-arguments = Arguments
help-options = Options
help-about = A desktop softphone: without a command it opens its window
help-cmd-call = Call somebody, without a window
help-cmd-answer = Wait for calls and answer them, without a window: by Enter at a keyboard, at once where there is none
help-cmd-register = Register and stay registered
help-cmd-devices = List microphones and speakers
help-cmd-lab = Run the built-in lab as a server on this machine
help-cmd-demo = Try Ramal on the built-in lab
help-cmd-inspect = Say what is read of a SIP message, as JSON
help-cmd-bench = Measure
help-cmd-codec = Pass a sound file through a codec, without a network
help-cmd-media = Send speech over bad networks and score what is heard: PESQ beside the best that could be made of the same packets, delay in ms, shares of sound concealed, repaired, stretched and changed in pauses, packets too late, bit rates, CPU seconds a minute, allocations, the phone's own estimate; medians over files and seeds
help-cmd-live = Call between two programs over bad networks, in real time, and score what is heard: as bench media, and the whole way from file to file in ms, CPU seconds a minute of both programs, ms from click to first packet, how late the bench itself was (calls during which it was late are void and not counted); medians over files and seeds
help-cmd-voice = Send speech, echo and noise through the microphone's side and score what would be sent: PESQ and STOI of the near voice, echo taken out in dB, share of a processor core, delay in ms, allocations; medians over files and seeds, and the least of them
help-arg-uri = Number or address: 600, 1001@pbx.example, sip:…, tel:…
help-arg-lang = Language: pt-BR, en, es (the system's, unless given)
help-arg-verbose = Say more on stderr; twice: every message
help-arg-account = An account of the settings, by extension or address
help-arg-aor = Your address, like sip:1001@pbx.example; the password comes from RAMAL_PASSWORD or --password-file
help-arg-registrar = The server to register at, if it is not the address's own
help-arg-proxy = The server that every request goes through first
help-arg-auth-user = The user name for the password, if it is not the extension
help-arg-no-register = Use the address without registering it
help-arg-digits-by = How keys reach the other side: agreed (usual), info, short-info or tones
help-arg-no-redirects = Do not follow a call that is redirected (3xx)
help-arg-password-file = A file whose first line is the password
help-arg-display-name = The name shown to whom you call
help-arg-expires = Seconds to be registered for
help-arg-bind = Where to listen, ADDR or ADDR:PORT
help-arg-transport = How signalling travels
help-arg-rtp-ports = Ports for sound; the first free even one is taken
help-arg-codecs = Codecs, best first: opus,g722,pcma,pcmu
help-arg-ptime = Milliseconds of sound in a packet: 10, 20, 30, 40 or 60
help-arg-silence-suppression = Describe pauses instead of sending them, where the far side takes that
help-arg-resend = Packets may be sent again while many are lost: never; with Opus, and with others where it is not offered; or always
help-arg-max-delay-ms = The longest that sound waits for late packets: 40 to 2000 ms (usually 400)
help-arg-start-delay-ms = How long sound waits at the beginning of a call: 10 to 2000 ms (usually 40)
help-arg-play = A WAV file to play instead of the microphone
help-arg-looped = Begin the file anew at its end
help-arg-record = A file for what is said: Ogg Opus if its name ends in .opus, else WAV
help-arg-record-sides = Who is in the recording: the other side (far), both on one channel (mixed), or you on the left and the other side on the right (stereo)
help-arg-echo = The loudspeaker's echo in the microphone: taken out if measured, always or never
help-arg-noise = The room's noise: left, taken out a little, a lot, or all but your voice
help-arg-no-gain = The level of the voice is not adjusted
help-arg-input-device = The microphone, by name
help-arg-output-device = The speaker, by name
help-arg-silence = No microphone and no speaker
help-arg-input-gain = Gain of what you say, in dB: -20 to 20
help-arg-output-gain = Gain of what you hear, in dB: -20 to 20
help-arg-sidetone = Your own voice in your ear, in dB: -30 to -10; with a headset only
help-arg-duration = Hang up after so many seconds
help-arg-dtmf = Digits to send, 12# or 12#@3 for three seconds after the answer
help-arg-hold-at = Put the call on hold so many seconds after the answer
help-arg-transfer = Transfer the call to URI S seconds after the answer
help-arg-attended = Hold the call, call URI, and hand the call over to it once it answers
help-arg-conference = Hold the call, call URI, and have all three talk once it answers
help-arg-accept-transfers = Let the other side hand the call over to anyone
help-arg-resume-at = Take it back so many seconds after the answer
help-arg-json = Events as JSON lines on stdout, sentences on stderr
help-arg-no-answer = Give up after so many seconds of ringing
help-arg-auto-answer = Answer after so many seconds; at once, if none are given
help-arg-reject = Turn calls away with this status: 486, 480, 603
help-arg-max-calls = End after so many calls
help-arg-once = End as soon as the server has answered
help-arg-seed = What the bad network of extension 606 is made from
help-arg-no-window = The echo call on the command line, also where there is a display
help-arg-extension = Which extension of the lab to call
help-arg-file = The message; - for standard input
help-arg-input = The WAV file to read
help-arg-output = The WAV file to write
help-arg-codec = The codec: opus, g722, pcma, pcmu
help-arg-profiles = Networks: clean, loss5, loss10, loss20burst, wifi, jitter60, bufferbloat, reorderdup, wifistall
help-arg-at-once = Calls at the same time (usually two for each processor)
help-arg-scenes = Scenes to measure
help-arg-seeds = Courses of each network or scene
help-arg-speech = A WAV file, or a folder with one for each talker
help-arg-seconds = Seconds of speech in a call, at the least
help-arg-python = A Python with the package pesq; without it nothing is scored
help-arg-keep = Keep the recordings in this folder
help-arg-help = Show this help
help-arg-version = Show the version

## Transfers

transfer-begun = Transferring to { $to }
transfer-accepted = The other side agreed and is calling
transfer-ringing = It is ringing there
transfer-succeeded = Transferred: the two are talking
transfer-untold = Transferred. The other side does not say how it went
transfer-busy = It is busy there. The call is back with you
transfer-not-found = There is no such number. The call is back with you
transfer-no-answer = Nobody answered there. The call is back with you
transfer-not-able = The phone on the other side cannot transfer. The call stays with you
transfer-declined = The transfer was turned down. The call stays with you
transfer-failed = The transfer did not work. The call is back with you
cli-transfer-asked = The other side wants to transfer you to { $to }

transfer-title = Transfer { $name }
transfer-consult = Ask first
transfer-direct = Transfer now
transfer-consult-now = Ask
transfer-now = Transfer
transfer-consult-why = { $name } is on hold while you talk to the other person. Complete to join the two, or go back to the first call.
transfer-direct-why = { $name } goes to whom you choose at once. If that does not work, the call comes back to you.
transfer-to-other = Join with { $name }
transfer-choose = Choose { $name }
transfer-consulting = You are asking about { $name }
transfer-consulting-why = Complete to join the two, or go back and end this one.
transfer-return = Go back
transfer-complete = Complete
transfer-asked = { $name } wants to transfer you
transfer-asked-to = You would talk to { $to }
transfer-asked-stay = Stay
transfer-asked-go = Accept

## Conference

conference-add-title = Call one more person
conference-add-why = { $name } is on hold while it rings. Then press Conference again to bring all together.
call-focus = This call is a conference: everybody in it hears each other.
conference-in = in conference
conference-split = Split
    .tip = Out of the conference and on hold

## Messages

message-sending = Sending…
message-waiting = Waiting to be sent: { $why }
message-delivered = Delivered
message-failed = Not delivered: { $why }
message-not-an-address = This is neither a number nor an address
    .todo = Type digits, or an address such as 1001@pbx.example.
message-length = There is nothing in it, or far too much
    .todo = Write something shorter.
message-too-long = The message is too long for the way to the server
    .todo = Split it in two, or choose TCP in the account's settings.
message-too-many = Too many messages are waiting already
    .todo = Wait until some of them have gone.
message-no-account = This account does not exist any more
    .todo = Choose another account.
message-not-registered = This extension is not connected to its server
    .todo = It goes out by itself when the connection is back.
message-not-found = This number does not exist
    .todo = Check the number.
message-forbidden = The server does not allow messages to there
    .todo = Ask whoever looks after the phone system.
message-unavailable = Nobody is there at the moment
    .todo = Try again later.
message-declined = The other side does not want this message
    .todo = Call instead.
message-not-understood = The phone over there does not read messages
    .todo = Call instead.
message-wrong-password = The server refused the password
    .todo = Check the password in the account's settings.
message-password-needed = The server asks for a password and this account has none
    .todo = Enter the password in the account's settings.
message-host-not-found = No server was found by the name in the address
    .todo = Check the part after the @, and whether this computer is online.
message-unreachable = Nothing answers at that address
    .todo = Check the address, and whether a firewall stands in between.
message-timed-out = No answer came; the message may have arrived all the same
    .todo = Check the network and try again.
message-server-trouble = The server has a problem
    .todo = Try again in a while.
message-withdrawn = The message was taken back before it left
    .todo = Send it again if it is still wanted.
message-refused = The other side refused the message
    .todo = Show the details to whoever looks after the phone system.
notice-messages-set-aside = The saved conversations could not be read
    .todo = They were put aside in { $path }, and new ones begin. Nothing was deleted.
notice-messages-not-kept = Conversations are not being saved
    .todo = They stay until Ramal is closed. Check the free space and the rights of the data folder.
notice-message-lost = Too many messages at once: one was not taken
    .todo = Write it again in a moment.
cli-message-received = Message from { $from }: { $text }
cli-typing = { $peer } is writing…
cli-message-empty = There is no message to send
cli-message-too-long = The message is longer than { $about } bytes
help-cmd-message = Sends a message and waits until it is delivered
help-arg-text = The message; - to read it from standard input
help-arg-retry-for = Keep trying for so many seconds when nobody is there

nav-messages = Messages
nav-messages-unread = Messages, { $count ->
        [one] { $count } unread
       *[other] { $count } unread
    }
messages-title = Messages
messages-none = No conversations yet.
messages-new = New message
messages-to = Extension, number or address
messages-begin = Write
messages-hint = Write a message
messages-send = Send
messages-again = Try again
messages-writes = { $name } is writing…
messages-older = Show earlier messages
messages-call = Call { $name }
messages-forget = Delete this conversation
messages-forgotten = Conversation with { $name } deleted
messages-from-you = You: { $text }
messages-not-delivered = Not delivered: { $text }
a11y-conversation = Conversation with { $name }, { $moment }
a11y-conversation-unread = Conversation with { $name }, { $count ->
        [one] { $count } unread message
       *[other] { $count } unread messages
    }
settings-messages-keep = Conversations when Ramal is closed
settings-messages-kept = Keep
settings-messages-dropped = Forget
settings-messages-again = When nobody is there
settings-messages-again-day = Try for a day
settings-messages-again-once = Tell me and stop
settings-messages-typing = That you are writing
settings-messages-typing-told = Show
settings-messages-typing-untold = Do not show
setup-writers = Who may send messages
setup-writers-server = Whoever comes through the server
setup-writers-anyone = Anybody on the network
setup-writers-nobody = Nobody
