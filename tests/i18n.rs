//! The catalogues say the same things, and the faces say nothing outside of them.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot go on without fails it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{
    CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement,
};
use fluent_syntax::parser;

const SOURCE: &str = "en";
const OTHERS: [&str; 2] = ["pt-BR", "es"];

/// What a catalogue holds: for each message, and each `message.attribute`, its variables.
type Shape = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn catalogue(language: &str) -> Shape {
    let path = root().join("i18n").join(language).join("ramal.ftl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    shape(&text).unwrap_or_else(|defects| panic!("{language}: {defects:?}"))
}

fn shape(text: &str) -> Result<Shape, Vec<String>> {
    let resource = parser::parse(text)
        .map_err(|(_, errors)| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let mut shape = Shape::new();
    let mut twice = Vec::new();
    for entry in resource.body {
        let Entry::Message(message) = entry else {
            continue;
        };
        let mut add = |name: String, pattern: &Pattern<&str>| {
            let mut variables = BTreeSet::new();
            collect(pattern, &mut variables);
            if shape.insert(name.clone(), variables).is_some() {
                twice.push(format!("{name} stands there twice"));
            }
        };
        if let Some(pattern) = &message.value {
            add(message.id.name.to_owned(), pattern);
        }
        for attribute in &message.attributes {
            add(
                format!("{}.{}", message.id.name, attribute.id.name),
                &attribute.value,
            );
        }
    }
    if twice.is_empty() {
        Ok(shape)
    } else {
        Err(twice)
    }
}

fn collect(pattern: &Pattern<&str>, variables: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            collect_expression(expression, variables);
        }
    }
}

fn collect_expression(expression: &Expression<&str>, variables: &mut BTreeSet<String>) {
    match expression {
        Expression::Inline(inline) => collect_inline(inline, variables),
        Expression::Select { selector, variants } => {
            collect_inline(selector, variables);
            for variant in variants {
                collect(&variant.value, variables);
            }
        }
    }
}

fn collect_inline(inline: &InlineExpression<&str>, variables: &mut BTreeSet<String>) {
    match inline {
        InlineExpression::VariableReference { id } => {
            variables.insert(id.name.to_owned());
        }
        InlineExpression::Placeable { expression } => collect_expression(expression, variables),
        InlineExpression::FunctionReference { arguments, .. } => {
            let CallArguments { positional, named } = arguments;
            for argument in positional
                .iter()
                .chain(named.iter().map(|named| &named.value))
            {
                collect_inline(argument, variables);
            }
        }
        InlineExpression::StringLiteral { .. }
        | InlineExpression::NumberLiteral { .. }
        | InlineExpression::MessageReference { .. }
        | InlineExpression::TermReference { .. } => {}
    }
}

/// What `other` lacks, has too much of, or fills in otherwise than the source.
fn differences(source: &Shape, other: &Shape) -> Vec<String> {
    let missing = source.keys().filter(|id| !other.contains_key(*id));
    let extra = other.keys().filter(|id| !source.contains_key(*id));
    let changed = source.iter().filter_map(|(id, variables)| {
        other
            .get(id)
            .filter(|theirs| *theirs != variables)
            .map(|theirs| (id, variables, theirs))
    });
    missing
        .map(|id| format!("{id} is missing"))
        .chain(extra.map(|id| format!("{id} is not in the source")))
        .chain(changed.map(|(id, ours, theirs)| format!("{id}: {ours:?} became {theirs:?}")))
        .collect()
}

#[test]
fn every_catalogue_has_every_id_with_the_same_variables() {
    let source = catalogue(SOURCE);
    assert!(
        source.len() > 150,
        "the source was read as {} entries",
        source.len()
    );
    for language in OTHERS {
        let found = differences(&source, &catalogue(language));
        assert!(found.is_empty(), "{language}:\n{}", found.join("\n"));
    }
}

#[test]
fn a_missing_id_an_extra_one_and_a_lost_variable_are_all_told() {
    let source = shape("a = A { $x }\n    .todo = T\nb = B\n").unwrap();
    let other = shape("a = A\nc = C\n").unwrap();
    assert_eq!(
        differences(&source, &other),
        [
            "a.todo is missing",
            "b is missing",
            "c is not in the source",
            "a: {\"x\"} became {}",
        ]
    );
    assert!(differences(&source, &source).is_empty());
    assert!(shape("a = A\na = B\n").is_err());
}

#[test]
fn every_language_of_the_switch_has_a_catalogue_and_every_catalogue_a_language() {
    let mut folders: Vec<String> = std::fs::read_dir(root().join("i18n"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut tags: Vec<&str> = ramal::i18n::Language::ALL
        .map(|language| language.tag())
        .to_vec();
    tags.sort_unstable();
    assert_eq!(folders, tags);
}

#[test]
fn every_message_of_the_source_is_used() {
    let mut sources = String::new();
    for file in rust_files(&root().join("src")) {
        sources.push_str(&std::fs::read_to_string(file).unwrap());
    }
    let unused: Vec<String> = catalogue(SOURCE)
        .into_keys()
        // Help is looked up by the names of commands and arguments; a test in `cli/help.rs`
        // looks all of it up.
        .filter(|id| !id.starts_with("help-cmd-") && !id.starts_with("help-arg-"))
        .filter(|id| !id.contains('.') && !sources.contains(&format!("\"{id}\"")))
        .collect();
    assert!(unused.is_empty(), "said nowhere: {unused:?}");
}

#[test]
fn the_faces_say_nothing_outside_the_catalogues() {
    let mut found = Vec::new();
    for folder in ["src/ui", "src/i18n"] {
        for file in rust_files(&root().join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            for (line, literal) in sentences(&text) {
                let file = file.strip_prefix(root()).unwrap().display().to_string();
                found.push(format!("{file}:{line}: {literal:?}"));
            }
        }
    }
    assert!(
        found.is_empty(),
        "put these into i18n/:\n{}",
        found.join("\n")
    );
}

#[test]
fn a_sentence_in_a_view_is_found_and_an_id_is_not() {
    let code = r#"
        ui.label("Call ended"); // "not this one"
        say!(words, "action-call");
        .expect("each tag above is well-formed")
        #[error("no display: {0}")]
        let shown = format!("{a} · {b}");
        #[cfg(test)]
        mod tests { fn f() { g("Not in tests either"); } }
    "#;
    assert_eq!(sentences(code), [(2, "Call ended".to_owned())]);
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// String literals outside of tests that read like something said to a person, with their lines.
///
/// Passed over: comments, what stands in an attribute, and the reason of an `expect`.
fn sentences(code: &str) -> Vec<(usize, String)> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, line) in code.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("//") || trimmed.starts_with("#[") || line.contains(".expect(") {
            continue;
        }
        let code = line.split(" // ").next().unwrap_or_default();
        for literal in code.split('"').skip(1).step_by(2) {
            if reads_like_speech(literal) {
                found.push((at + 1, literal.to_owned()));
            }
        }
    }
    found
}

/// Two words in a row, or one capitalised word; names of products and units are no speech.
fn reads_like_speech(literal: &str) -> bool {
    const NAMES: [&str; 9] = [
        "Opus",
        "G.711 A-law",
        "G.711 µ-law",
        "English",
        "Português (Brasil)",
        "Español",
        "{hours} h {minutes:02} min",
        "{minutes} min {secs} s",
        "incoming call",
    ];
    if NAMES.contains(&literal) {
        return false;
    }
    let is_word = |word: &&str| {
        word.chars().filter(|c| c.is_alphabetic()).count() > 1 && !word.contains(['{', '_'])
    };
    let words = literal.split_whitespace().filter(is_word).count();
    let capital = literal.chars().next().is_some_and(char::is_uppercase)
        && literal.chars().any(char::is_lowercase);
    words >= 2 || capital
}
