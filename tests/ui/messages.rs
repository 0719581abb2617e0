//! Messages in the window: the list, a conversation, what is sent and what failed.

use std::sync::Arc;

use egui::Key;
use egui_kittest::kittest::Queryable;
use ramal::agent::{AccountId, MessageFailure, MessageId};
use ramal::engine::{
    ChatMessage, ChatState, ChatsView, ConversationView, Notice, OpenConversation, Snapshot,
};

use crate::fake::Desk;
use crate::scenes::{NOON, idle};

const ANA: &str = "sip:1002@pbx.example";
const CLINIC: &str = "sip:2135550134@pbx.example";

fn message(id: u64, text: &str, state: ChatState) -> ChatMessage {
    ChatMessage {
        id: MessageId(id),
        text: text.into(),
        at_ms: (NOON - 600) * 1000,
        state,
    }
}

fn conversation(peer: &str, name: Option<&str>, last: ChatMessage) -> ConversationView {
    ConversationView {
        account: AccountId(1),
        peer: peer.into(),
        name: name.map(Into::into),
        last,
        unread: 0,
        writes: false,
    }
}

/// Ana has written twice; the clinic got no answer of ours.
fn chats() -> ChatsView {
    let mut ana = conversation(
        ANA,
        Some("Ana"),
        message(4, "Olá, às três? 👋", ChatState::Received),
    );
    ana.unread = 2;
    let failed = ChatState::Failed {
        cause: MessageFailure::NotFound,
        status: Some(404),
        reason: Some("Not Found".into()),
    };
    let clinic = conversation(CLINIC, None, message(2, "Bom dia", failed));
    ChatsView {
        conversations: vec![ana, clinic],
        unread: 2,
        ..ChatsView::default()
    }
}

fn with(chats: ChatsView) -> Snapshot {
    Snapshot {
        chats: Arc::new(chats),
        ..idle()
    }
}

/// The conversation with Ana, open.
fn open(messages: Vec<ChatMessage>) -> ChatsView {
    ChatsView {
        open: Some(OpenConversation {
            account: AccountId(1),
            peer: ANA.into(),
            name: Some("Ana".into()),
            messages,
            more: false,
            writes: false,
        }),
        ..chats()
    }
}

/// A desk on the messages page.
fn desk(chats: ChatsView) -> Desk {
    let list = ChatsView {
        open: None,
        ..chats.clone()
    };
    let mut desk = Desk::new(with(list));
    let section = if chats.unread == 0 {
        "Mensagens"
    } else {
        "Mensagens, 2 não lidas"
    };
    desk.click(section);
    desk.put(with(chats));
    desk
}

#[test]
fn who_wrote_last_and_what_is_unread_is_seen_at_a_glance() {
    let mut desk = desk(chats());
    assert!(desk.shows("Conversa com Ana, 2 mensagens não lidas"));
    desk.click("Conversa com Ana, 2 mensagens não lidas");
    assert_eq!(
        desk.sent(),
        ["Chat(Open(Some((AccountId(1), \"sip:1002@pbx.example\"))))"]
    );
    let none = ChatsView::default();
    desk.put(with(none));
    assert!(desk.shows("Nenhuma conversa ainda."));
    assert!(desk.shows("Mensagens"), "no number where nothing is unread");
}

#[test]
fn a_conversation_that_is_looked_at_is_read_once() {
    let messages = vec![
        message(1, "Oi", ChatState::Delivered),
        message(4, "Olá, às três? 👋", ChatState::Received),
    ];
    let mut desk = desk(open(messages.clone()));
    assert_eq!(desk.sent(), ["Chat(Read)"]);
    desk.put(with(open(messages)));
    assert_eq!(desk.sent(), Vec::<String>::new(), "until there is another");
    assert!(desk.shows("Oi"));
    assert!(desk.shows("Olá, às três? 👋"));
    assert!(desk.says("Entregue"));
}

#[test]
fn enter_sends_what_was_written_and_writing_is_told() {
    let mut desk = desk(open(Vec::new()));
    desk.sent();
    desk.type_text("Às três");
    let draft =
        "Chat(Draft { account: AccountId(1), to: \"sip:1002@pbx.example\", writing: true })";
    assert_eq!(desk.sent(), [draft]);
    desk.key(Key::Enter);
    let write =
        "Chat(Write { account: AccountId(1), to: \"sip:1002@pbx.example\", text: \"Às três\" })";
    assert_eq!(desk.sent(), [write]);
    desk.key(Key::Enter);
    assert_eq!(desk.sent(), Vec::<String>::new(), "nothing is left to send");
    desk.type_text("sim");
    desk.sent();
    desk.click("Enviar");
    assert_eq!(desk.sent(), [write.replace("Às três", "sim")]);
}

#[test]
fn a_message_that_failed_says_why_and_is_tried_again() {
    let failed = ChatState::Failed {
        cause: MessageFailure::NotFound,
        status: Some(404),
        reason: None,
    };
    let waiting = ChatState::Waiting(MessageFailure::Unavailable);
    let messages = vec![
        message(7, "Bom dia", failed),
        message(8, "Boa tarde", waiting),
    ];
    let mut desk = desk(open(messages));
    desk.sent();
    assert!(desk.says("Não entregue: Este número não existe"));
    assert!(desk.says("Esperando para enviar: Não há ninguém lá agora"));
    desk.click("Tentar de novo");
    assert_eq!(desk.sent(), ["Chat(Again(MessageId(7)))"]);
}

#[test]
fn who_is_writing_is_seen_in_the_list_and_in_the_conversation() {
    let mut writing = open(Vec::new());
    writing.open.as_mut().expect("open").writes = true;
    let mut desk = desk(writing);
    assert!(desk.shows("Ana está escrevendo…"));
    let mut list = chats();
    list.conversations[0].writes = true;
    desk.put(with(list));
    assert!(desk.shows("Conversa com Ana, 2 mensagens não lidas"));
}

#[test]
fn somebody_new_is_written_to_by_the_keyboard_alone() {
    let mut desk = desk(ChatsView::default());
    desk.click("Nova mensagem");
    desk.sent();
    desk.type_text("1003");
    desk.key(Key::Enter);
    assert_eq!(desk.sent(), ["Chat(Open(Some((AccountId(1), \"1003\"))))"]);
}

#[test]
fn a_conversation_is_left_by_escape_and_calls_by_its_button() {
    let mut desk = desk(open(Vec::new()));
    desk.sent();
    desk.click("Ligar para Ana");
    assert_eq!(
        desk.sent(),
        ["Dial { account: AccountId(1), target: \"sip:1002@pbx.example\" }"]
    );
    desk.click("Mensagens, 2 não lidas");
    desk.sent();
    desk.put(with(open(Vec::new())));
    desk.sent();
    desk.key(Key::Escape);
    desk.key(Key::Escape);
    assert!(desk.sent().iter().all(|sent| sent == "Chat(Open(None))"));
}

#[test]
fn a_conversation_goes_only_when_nobody_says_no() {
    for undone in [false, true] {
        let mut desk = desk(open(Vec::new()));
        desk.sent();
        desk.click("Apagar esta conversa");
        assert_eq!(desk.sent(), ["Chat(Open(None))"]);
        desk.put(with(chats()));
        assert!(desk.shows("Conversa com Ana apagada"));
        if undone {
            desk.click("Desfazer");
        }
        desk.pass(std::time::Duration::from_secs(9));
        let forget =
            "Chat(Forget { account: AccountId(1), peer: \"sip:1002@pbx.example\" })".to_owned();
        let expected = if undone { Vec::new() } else { vec![forget] };
        assert_eq!(desk.sent(), expected, "undone: {undone}");
    }
}

#[test]
fn older_messages_are_asked_for_and_what_is_amiss_is_told() {
    let mut long = open(vec![message(1, "Oi", ChatState::Received)]);
    long.open.as_mut().expect("open").more = true;
    let mut desk = desk(long);
    desk.sent();
    desk.click("Mostrar mensagens anteriores");
    assert_eq!(desk.sent(), ["Chat(Older)"]);
    let path = "messages.damaged-1.db".into();
    desk.put(Snapshot {
        notices: vec![Notice::MessagesSetAside { path }],
        ..idle()
    });
    assert!(desk.says("messages.damaged-1.db"));
}

#[test]
fn a_long_message_stays_within_the_window() {
    let long = "palavra ".repeat(200);
    let mut desk = desk(open(vec![
        message(1, long.trim(), ChatState::Received),
        message(2, &"x".repeat(300), ChatState::Delivered),
    ]));
    desk.harness.run();
    let window = desk.harness.ctx.content_rect();
    for text in [long.trim(), &"x".repeat(300)] {
        let bubble = desk.harness.get_by_label(text).rect();
        assert!(bubble.right() <= window.right(), "{bubble}");
        assert!(bubble.left() >= window.left(), "{bubble}");
    }
}

#[test]
fn how_messages_are_dealt_with_is_chosen_in_the_settings() {
    let mut desk = Desk::new(with(chats()));
    desk.click("Configurações");
    for (choice, changed) in [
        (
            "Esquecer",
            "keep: false, try_again: true, tell_typing: true",
        ),
        (
            "Avisar e parar",
            "keep: true, try_again: false, tell_typing: true",
        ),
        (
            "Não mostrar",
            "keep: true, try_again: true, tell_typing: false",
        ),
    ] {
        desk.click(choice);
        assert_eq!(
            desk.sent(),
            [format!("Chat(Set(MessageSettings {{ {changed} }}))")]
        );
    }
}

#[test]
fn a_message_that_comes_asks_for_attention_once() {
    let mut desk = Desk::new(idle());
    let asks = |desk: &Desk| {
        let root = &desk.harness.output().viewport_output[&egui::ViewportId::ROOT];
        let attention = egui::UserAttentionType::Informational;
        let wanted = egui::ViewportCommand::RequestUserAttention(attention);
        root.commands.contains(&wanted)
    };
    assert!(!asks(&desk));
    desk.show(with(chats()));
    assert!(asks(&desk));
    desk.show(with(chats()));
    assert!(!asks(&desk), "not for what is known");
    desk.show(idle());
    assert!(!asks(&desk), "nor for what has been read");
}

#[test]
fn who_may_write_is_chosen_in_the_account() {
    let mut desk = Desk::new(idle());
    desk.click("Configurações");
    desk.click("Editar a conta 1001");
    desk.click("Opções avançadas");
    desk.click("Quem pode mandar mensagens, Quem passa pelo servidor");
    desk.click("Ninguém");
    desk.click("Salvar");
    let sent = desk.sent();
    assert!(sent[0].contains("writers: Nobody"), "{sent:?}");
}
