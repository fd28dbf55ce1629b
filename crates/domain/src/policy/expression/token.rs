//! Text to words.

use super::Fault;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Int(i64),
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// Longest first, so that `<=` is not read as `<`.
const SIGNS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")",
    "[", "]", ",", ".",
];

/// The tokens of an expression, each with its offset.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, len) = if next.is_whitespace() {
            at += next.len_utf8();
            continue;
        } else if next.is_ascii_digit() {
            number(rest, at)?
        } else if next == '"' || next == '\'' {
            quoted(rest, next, at)?
        } else if next.is_ascii_alphabetic() || next == '_' {
            let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = &rest[..len.unwrap_or(rest.len())];
            (Token::Name(name.to_owned()), name.len())
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let what = || format!("`{next}` means nothing here");
            let sign = sign.ok_or_else(|| Fault { at, what: what() })?;
            (Token::Sign(sign), sign.len())
        };
        tokens.push((at, token));
        at += len;
    }
    Ok(tokens)
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), Fault> {
    let len = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let fraction =
        rest[len..].starts_with('.') && rest[len + 1..].starts_with(|c: char| c.is_ascii_digit());
    if fraction {
        let what = "there are no fractions: amounts are in minor units, quantities in 1/1000";
        return Err(Fault { at, what: what.to_owned() });
    }
    let what = || format!("`{}` does not fit 64 bits", &rest[..len]);
    let value = rest[..len].parse().map_err(|_| Fault { at, what: what() })?;
    Ok((Token::Int(value), len))
}

fn quoted(rest: &str, quote: char, at: usize) -> Result<(Token, usize), Fault> {
    let end = rest[1..].find(quote);
    let end = end.ok_or_else(|| Fault { at, what: "the text has no end".to_owned() })?;
    let text = &rest[1..1 + end];
    if text.contains('\\') {
        let what = "there are no escapes; use the other kind of quotes".to_owned();
        return Err(Fault { at, what });
    }
    Ok((Token::Text(text.to_owned()), end + 2))
}
