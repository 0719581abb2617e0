#!/usr/bin/env bash
# Installs what Ramal needs from the system, and only what is not there yet.
#
#   scripts/setup.sh build         compile, run, demo
#   scripts/setup.sh test          the above, and the programs that the tests call
#   scripts/setup.sh --check test  install nothing; name what is missing, exit 1 if anything is
#
# Each need is a probe, the package that answers it on each system, and the reason. Something
# that satisfies the probe is taken as it is, wherever it came from.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

check_only=no
if [ "${1:-}" = --check ]; then
  check_only=yes
  shift
fi
wanted=${1:-build}
case $wanted in
  build | test) ;;
  *) fail "unknown set '$wanted': say build or test" ;;
esac

# group | probe | apt | dnf | pacman | brew | why            ("-": not needed there)
needs() {
  cat <<'NEEDS'
build | cmd cc | gcc libc6-dev | gcc glibc-devel | gcc | xcode | C compiler, for libopus
build | cmd make | make | make | make | xcode | builds libopus
build | cmd cmake | cmake | cmake | cmake | cmake | configures libopus
build | cmd pkg-config | pkg-config | pkgconf-pkg-config | pkgconf | pkgconf | finds the sound library
build | pc alsa | libasound2-dev | alsa-lib-devel | alsa-lib | - | sound devices (ALSA)
window | lib libGL.so.1 | libgl1 | mesa-libGL | libglvnd | - | draws the window
window | lib libEGL.so.1 | libegl1 | mesa-libEGL | libglvnd | - | draws the window
window | dri | libgl1-mesa-dri | mesa-dri-drivers | mesa | - | draws without a graphics card
window | lib libX11.so.6 | libx11-6 | libX11 | libx11 | - | window on X11
window | lib libX11-xcb.so.1 | libx11-xcb1 | libX11-xcb | libx11 | - | window on X11
window | lib libXcursor.so.1 | libxcursor1 | libXcursor | libxcursor | - | mouse pointer on X11
window | lib libXi.so.6 | libxi6 | libXi | libxi | - | mouse and touch on X11
window | lib libXrandr.so.2 | libxrandr2 | libXrandr | libxrandr | - | screens on X11
window | lib libxkbcommon.so.0 | libxkbcommon0 | libxkbcommon | libxkbcommon | - | keyboard
window | lib libxkbcommon-x11.so.0 | libxkbcommon-x11-0 | libxkbcommon-x11 | libxkbcommon-x11 | - | keyboard on X11
window | lib libwayland-client.so.0 | libwayland-client0 | libwayland-client | wayland | - | window on Wayland
test | cmd kamailio | kamailio | kamailio | aur:kamailio | none | registrar and proxy to call through
test | kamailio presence | kamailio-presence-modules | kamailio-presence | aur:kamailio | none | a presence server with busy lamps
test | kamailio tls | kamailio-tls-modules | kamailio-tls | aur:kamailio | none | a registrar over TLS
test | kamailio websocket | kamailio-websocket-modules | kamailio-websocket | aur:kamailio | none | a registrar over WebSocket
test | cmd baresip | baresip-core | baresip | baresip | baresip | far phone to talk to
test | cmd sipp | sip-tester | sipp | aur:sipp | sipp | plays odd SIP behaviour to the letter
test | cmd turnserver | coturn | coturn | coturn | - | a STUN and TURN server
test | cmd nft | nftables | nftables | nftables | - | address translators between the phones of a test
test | cmd ip | iproute2 | iproute | iproute2 | - | networks of a test's own
test | cmd pulseaudio | pulseaudio | pulseaudio | pulseaudio | - | a sound server to play through and to kill
test | cmd pacat | pulseaudio-utils | pulseaudio-utils | libpulse | - | a far ear and mouth for it
test | cmd dbus-daemon | dbus | dbus-daemon | dbus | - | a bus on which real time is asked for
test | cmd python3 | python3 | python3 | python | python | runs PESQ
test | py venv | python3-venv | python3-libs | python | python | keeps PESQ apart from the system
test | py headers | python3-dev | python3-devel | python | python | compiles PESQ
test | cmd Xvfb | xvfb | xorg-x11-server-Xvfb | xorg-server-xvfb | - | a display for the window test
NEEDS
}

satisfied() {
  local kind=$1 name=${2:-} py
  case $kind in
    cmd) command -v "$name" >/dev/null 2>&1 || [ -x "/usr/sbin/$name" ] ;;
    pc) command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "$name" ;;
    lib) { /sbin/ldconfig -p 2>/dev/null || ldconfig -p 2>/dev/null; } | grep -F "$name " >/dev/null ;;
    dri) compgen -G '/usr/lib*/dri/*swrast*_dri.so' >/dev/null || compgen -G '/usr/lib/*/dri/*swrast*_dri.so' >/dev/null \
      || compgen -G '/usr/lib*/libgallium*.so' >/dev/null || compgen -G '/usr/lib/*/libgallium*.so' >/dev/null ;;
    kamailio) compgen -G "/usr/lib*/kamailio/modules/$name.so" >/dev/null || compgen -G "/usr/lib/*/kamailio/modules/$name.so" >/dev/null ;;
    py)
      py=$(command -v python3) || return 1
      case $name in
        venv) "$py" -c 'import ensurepip, venv' 2>/dev/null ;;
        headers) "$py" -c 'import os, sysconfig; raise SystemExit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' 2>/dev/null ;;
      esac
      ;;
    *) fail "no such probe: $kind" ;;
  esac
}

system=$(uname -s)
if [ "$system" = Darwin ]; then
  manager=brew column=6
elif command -v apt-get >/dev/null 2>&1; then
  manager=apt column=3
elif command -v dnf >/dev/null 2>&1; then
  manager=dnf column=4
elif command -v pacman >/dev/null 2>&1; then
  manager=pacman column=5
else
  manager=none column=3
fi

# The window's libraries matter where there is a screen; the tests bring their own.
groups=" build "
if [ "$wanted" = test ]; then
  groups=" build window test "
elif [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  groups=" build window "
fi

packages=()   # to install
orphans=()    # missing, and this system has no package for it
while IFS='|' read -r -a row; do
  for i in "${!row[@]}"; do
    read -r -a words <<<"${row[i]}"
    row[i]=${words[*]-}
  done
  [[ $groups == *" ${row[0]} "* ]] || continue
  names=${row[column - 1]}
  [ "$names" = - ] && continue
  read -r -a probe <<<"${row[1]}"
  satisfied "${probe[@]}" && continue
  case $names in
    none) orphans+=("${probe[*]} (${row[6]}): no package here") ;;
    aur:*) orphans+=("${probe[*]} (${row[6]}): in the AUR as ${names#aur:}") ;;
    xcode) orphans+=("${probe[*]} (${row[6]}): run xcode-select --install") ;;
    *)
      say "needs $names: ${row[6]}"
      for name in $names; do
        [[ " ${packages[*]-} " == *" $name "* ]] || packages+=("$name")
      done
      ;;
  esac
done < <(needs)

for orphan in "${orphans[@]-}"; do
  [ -z "$orphan" ] || say "missing: $orphan"
done

cargo_missing=no
command -v cargo >/dev/null 2>&1 || cargo_missing=yes

if [ "$check_only" = yes ]; then
  [ "$cargo_missing" = no ] || say "missing: cargo (Rust, from https://rustup.rs)"
  [ ${#packages[@]} -eq 0 ] && [ ${#orphans[@]} -eq 0 ] && [ "$cargo_missing" = no ] || exit 1
  say "everything for '$wanted' is here"
  exit 0
fi

[ "$cargo_missing" = no ] || fail "cargo is missing: install Rust from https://rustup.rs, then run this again"

if [ ${#packages[@]} -gt 0 ]; then
  as_root=()
  if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || fail "not root and no sudo: install by hand: ${packages[*]}"
    as_root=(sudo)
  fi
  kamailio_is_new=no
  [[ " ${packages[*]} " == *" kamailio "* ]] && kamailio_is_new=yes
  say "installing with $manager: ${packages[*]}"
  case $manager in
    apt)
      apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=400)
      "${apt[@]}" update -qq </dev/null || say "the package list could not be refreshed; trying with the one that is here"
      "${apt[@]}" install -y -qq --no-install-recommends "${packages[@]}" </dev/null
      ;;
    dnf) "${as_root[@]}" dnf install -y --setopt=install_weak_deps=False "${packages[@]}" </dev/null ;;
    pacman) "${as_root[@]}" pacman -S --needed --noconfirm "${packages[@]}" </dev/null ;;
    brew) brew install "${packages[@]}" </dev/null ;;
    none) fail "no apt-get, dnf, pacman or brew here. Install the likes of (Debian's names): ${packages[*]}" ;;
  esac
  # Debian starts a freshly installed Kamailio on port 5060; the tests start one of their own.
  if [ "$kamailio_is_new" = yes ] && [ -d /run/systemd/system ]; then
    "${as_root[@]}" systemctl disable --now kamailio >/dev/null 2>&1 || say "kamailio may be running as a service: systemctl disable --now kamailio"
  fi
fi

if [ "$wanted" = test ]; then
  # A measuring tool in a folder of the build: removed by `cargo clean`, unknown to the system.
  venv=target/pesq-venv
  if ! cmp -s scripts/requirements.txt "$venv/installed.txt"; then
    say "building PESQ (speech quality score) in $venv: numpy, cython, pesq from PyPI"
    rm -rf "$venv"
    mkdir -p target
    python3 -m venv "$venv"
    # Two steps and no build isolation, so that PESQ is compiled with the pinned versions.
    grep -v '^pesq' scripts/requirements.txt >"$venv/before-pesq.txt"
    "$venv/bin/pip" install -q --disable-pip-version-check -r "$venv/before-pesq.txt" </dev/null
    "$venv/bin/pip" install -q --disable-pip-version-check --no-build-isolation -r scripts/requirements.txt </dev/null
    "$venv/bin/python" -c 'import pesq' || fail "PESQ was built but cannot be loaded"
    cp scripts/requirements.txt "$venv/installed.txt"
  fi
fi

if [ ${#orphans[@]} -gt 0 ] && [ "$wanted" = build ]; then
  fail "the build cannot go on without what is missing above"
fi
say "ready for $wanted"
