//! Just enough of Rust's lexical form to see which modules a file names.

/// A source as words and punctuation, without comments and the insides of literals.
pub(crate) struct Code {
    tokens: Vec<Token>,
}

struct Token {
    text: String,
    line: usize,
    /// Inside an inline `mod tests { … }`.
    in_tests: bool,
    /// How many inline modules are open here.
    depth: usize,
}

/// A top-level module that a source names.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) line: usize,
}

impl Code {
    pub(crate) fn of(text: &str) -> Code {
        let mut tokens = Vec::new();
        // Brace depth at which each open inline module began, and whether it is one of tests.
        let mut modules: Vec<(usize, bool)> = Vec::new();
        let mut braces = 0usize;
        for (text, line) in lex(text) {
            match text.as_str() {
                "{" => {
                    if let [.., before, name] = &tokens[..] {
                        let (before, name): (&Token, &Token) = (before, name);
                        if before.text == "mod" {
                            modules.push((braces, name.text == "tests"));
                        }
                    }
                    braces += 1;
                }
                "}" => {
                    braces = braces.saturating_sub(1);
                    if modules.last().is_some_and(|(opened, _)| *opened == braces) {
                        modules.pop();
                    }
                }
                _ => {}
            }
            tokens.push(Token {
                text,
                line,
                in_tests: modules.iter().any(|(_, tests)| *tests),
                depth: modules.len(),
            });
        }
        Code { tokens }
    }

    /// Lines outside of tests where `parts` stand joined by `::`.
    pub(crate) fn lines_with_path(&self, parts: &[&str]) -> Vec<usize> {
        let mut wanted = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                wanted.push("::");
            }
            wanted.push(part);
        }
        self.tokens
            .windows(wanted.len())
            .filter(|seen| !seen[0].in_tests)
            .filter(|seen| seen.iter().zip(&wanted).all(|(a, b)| a.text == *b))
            .map(|seen| seen[0].line)
            .collect()
    }

    /// Module paths of the files declared here for tests, in the module `here`: by
    /// `#[cfg(test)] mod NAME;`, perhaps with a `#[path = "FILE.rs"]` between.
    pub(crate) fn test_files(&self, here: &[String]) -> Vec<Vec<String>> {
        let texts: Vec<&str> = self
            .tokens
            .iter()
            .map(|token| token.text.as_str())
            .collect();
        let mut found = Vec::new();
        for at in 0..texts.len() {
            let Some(mut rest) =
                texts[at..].strip_prefix(&["#", "[", "cfg", "(", "test", ")", "]"])
            else {
                continue;
            };
            let mut file = None;
            if let ["#", "[", "path", "=", path, "]", after @ ..] = rest {
                file = path.trim_matches('"').strip_suffix(".rs");
                rest = after;
            }
            rest = rest.strip_prefix(&["pub"]).unwrap_or(rest);
            rest = rest.strip_prefix(&["(", "crate", ")"]).unwrap_or(rest);
            rest = rest.strip_prefix(&["(", "super", ")"]).unwrap_or(rest);
            if let ["mod", name, ";", ..] = rest {
                // A path is taken from the folder, a name from the module.
                let folder = &here[..here.len() - usize::from(file.is_some() && !here.is_empty())];
                let name = file.unwrap_or(name).to_owned();
                found.push(folder.iter().cloned().chain([name]).collect());
            }
        }
        found
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }
}

/// Every top-level module reached through `crate::`, `ramal::` or enough `super::`.
///
/// `file` is the module path of the file itself. A glob of the crate root is named `*`.
pub(crate) fn modules_named(code: &Code, file: &[String]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.tokens.len() {
        let start = at;
        let reaches_root = match code.text(at) {
            "crate" | "ramal" => code.text(at.wrapping_sub(1)) != "::",
            "super" if code.text(at.wrapping_sub(1)) != "::" => {
                let mut ups = 1;
                while code.text(at + 1) == "::" && code.text(at + 2) == "super" {
                    ups += 1;
                    at += 2;
                }
                ups == file.len() + code.tokens[start].depth
            }
            _ => false,
        };
        at += 1;
        if reaches_root && code.text(at) == "::" {
            collect_first_names(code, at + 1, &mut found);
        }
    }
    found
}

/// The names that may follow `crate::`: one, or the first of each path in a `{…}` group.
fn collect_first_names(code: &Code, at: usize, found: &mut Vec<Named>) {
    let mut push = |at: usize| {
        let name = code.text(at).to_owned();
        if name != "self" && !name.is_empty() {
            let line = code.tokens[at].line;
            found.push(Named { name, line });
        }
    };
    if code.text(at) != "{" {
        push(at);
        return;
    }
    let (mut depth, mut expect_name, mut at) = (1, true, at + 1);
    while depth > 0 && at < code.tokens.len() {
        match code.text(at) {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => expect_name = true,
            _ if depth == 1 && expect_name => {
                push(at);
                expect_name = false;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Words, `::` and single punctuation marks with their line; a plain string is one token, quotes and all;
/// other literals are left out.
fn lex(text: &str) -> Vec<(String, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut out, mut i, mut line) = (Vec::new(), 0, 1);
    while i < chars.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 1;
                i += 2;
                while depth > 0 && i < chars.len() {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                }
            }
            '"' => {
                i = end_of_string(&chars, i);
                let inside = chars[start..i.min(chars.len())].iter().collect::<String>();
                out.push((inside, line));
            }
            'r' | 'b' | 'c' if starts_literal(&chars, i) => i = end_of_literal(&chars, i),
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            ':' if at(i + 1) == ':' => {
                out.push(("::".to_owned(), line));
                i += 2;
            }
            c if c.is_alphanumeric() || c == '_' => {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
                out.push((chars[start..i].iter().collect(), line));
            }
            c => {
                if !c.is_whitespace() {
                    out.push((c.to_string(), line));
                }
                i += 1;
            }
        }
        line += chars[start..i.min(chars.len())]
            .iter()
            .filter(|c| **c == '\n')
            .count();
    }
    out
}

/// Past the quote that ends the string which begins with the quote at `i`.
fn end_of_string(chars: &[char], mut i: usize) -> usize {
    i += 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// Whether `r`, `b` or `c` at `i` opens a string or byte literal rather than a word.
fn starts_literal(chars: &[char], i: usize) -> bool {
    if i > 0 && (chars[i - 1].is_alphanumeric() || chars[i - 1] == '_') {
        return false;
    }
    let rest: String = chars[i..].iter().take(24).collect();
    let marks = rest.trim_start_matches(['r', 'b', 'c']);
    let prefix = rest.len() - marks.len();
    prefix <= 2
        && (marks.starts_with('"')
            || (rest[..prefix].contains('r') && marks.trim_start_matches('#').starts_with('"')))
}

fn end_of_literal(chars: &[char], mut i: usize) -> usize {
    let mut raw = false;
    while matches!(chars.get(i), Some('r' | 'b' | 'c')) {
        raw |= chars[i] == 'r';
        i += 1;
    }
    if !raw {
        return end_of_string(chars, i);
    }
    let mut hashes = 0;
    while chars.get(i) == Some(&'#') {
        hashes += 1;
        i += 1;
    }
    i += 1;
    while i < chars.len() {
        if chars[i] == '"' && (1..=hashes).all(|n| chars.get(i + n) == Some(&'#')) {
            return i + 1 + hashes;
        }
        i += 1;
    }
    i
}
