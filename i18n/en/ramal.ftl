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
action-swap = Swap
    .tip = Hold this call and take the other one
action-call-back = Call again
action-settings = Settings
    .tip = Open the settings
action-switch-theme = Colours
    .tip = Change between light and dark
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
a11y-account = Account { $name }, { $state }
a11y-recent = { $name }, { $summary }, call again
a11y-key = Key { $digit }
a11y-key-letters = Key { $digit }, { $letters }
a11y-quality = Quality { $word }, { $numbers }
a11y-level-microphone = Microphone level
a11y-level-speaker = Speaker level
a11y-password-show = Show password
a11y-password-hide = Hide password
a11y-theme-dark = Switch to dark colours
a11y-theme-light = Switch to light colours
a11y-edit-account = Edit account { $name }
a11y-remove-account = Remove account { $name }
a11y-close-notice = Close the notice
a11y-swap-to = Swap to { $name }
a11y-microphone-device = Microphone, { $device }
a11y-speaker-device = Speaker, { $device }

## Dial page

dial-hint = Name, number or SIP
dial-recents = Recents
dial-no-recents = Your calls will appear here
dial-no-account = Add an account to call
recent-missed = Missed
recent-not-answered = Not answered
recent-failed = Not completed
recent-declined = Declined
recent-cancelled = Cancelled
recent-elsewhere = Answered on another phone

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
call-connecting = Connecting…
call-on-hold = On hold
call-held-by-them = The other side put you on hold
call-held-line = on hold · { $time }
call-muted = Your microphone is off
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
quality-tip-full = Loss { $loss }, jitter { $jitter } ms, buffer { $buffer } ms, made up { $concealed }

## How a call ended: title, why, what to do

end-title-ended = Call ended
end-title-cancelled = Call cancelled
end-title-missed = Missed call
end-title-elsewhere = Answered on another phone
end-title-declined = Call declined
end-title-failed = The call did not go through
end-talked = You talked for { $time }.
end-hung-up-local = You hung up.
end-hung-up-remote = The other side hung up.
end-cancelled-local = You gave up before the answer.
end-cancelled-remote = The caller gave up before you answered.
end-elsewhere = Another of your phones took the call.
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
notice-settings-not-saved = The settings could not be saved
    .todo = Check the free space and the rights of the settings folder.
notice-device-gone = The microphone or speaker was unplugged
    .todo = Ramal goes on with the system's default; choose another under Audio.
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
settings-language-system = As the system ({ $name })
settings-theme = Colours
settings-theme-system = System
settings-theme-light = Light
settings-theme-dark = Dark
settings-devices = Audio
settings-microphone = Microphone
settings-speaker = Speaker
settings-device-default = System default
settings-no-devices = No device was found
settings-accounts = Accounts
settings-removed = Account { $name } was removed
settings-removed-undo = Undo
settings-no-accounts = No account yet

## A link from outside

link-title = Open call link?
link-what = A page or program asked to call
link-call-with = Call with { $account }

## The window itself

window-no-display = No window could be opened
    .todo = Without a display, use the command line: ramal call, ramal demo.
