#!/usr/bin/env bash
# Makes the lab's prompts with espeak-ng and sox: 16 kHz, 16-bit, mono, -3 dB peak.
set -euo pipefail
cd "$(dirname "$0")/../assets/prompts"
say() {
    espeak-ng -v pt-br -s 150 -w spoken.wav "$2"
    sox spoken.wav -r 16000 -b 16 -c 1 "$1.wav" norm -3
    rm spoken.wav
}
say welcome "Olá! Você ligou para o laboratório do Ramal. Se você está ouvindo esta mensagem, o som chega até você."
say menu "Para vendas, digite um. Para suporte, digite dois. Para ouvir de novo, digite nove."
say sales "Você escolheu vendas."
say support "Você escolheu suporte."
say unknown "Opção inválida."
say will-call-back "Pode desligar. Já ligo de volta para você."
say calling-back "Olá! Estou ligando de volta, como prometi."
say hanging-up "Vou desligar em três, dois, um."
