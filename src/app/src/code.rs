//! Code in prose, told apart by what its words are: enough for the few lines of a lesson, in the languages that lessons have.

/// What a piece of code is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Token {
    /// A word of the language.
    Keyword,
    /// A text in quotes.
    Text,
    /// A number.
    Number,
    /// A remark.
    Comment,
    /// The name of a field or header.
    Name,
    /// Anything else.
    Plain,
}

const JS: &[&str] = &[
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "default",
    "delete",
    "else",
    "export",
    "false",
    "finally",
    "for",
    "from",
    "function",
    "if",
    "import",
    "in",
    "let",
    "new",
    "null",
    "of",
    "return",
    "switch",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "while",
    "yield",
];
const SQL: &[&str] = &[
    "add",
    "all",
    "and",
    "as",
    "asc",
    "begin",
    "between",
    "by",
    "commit",
    "count",
    "create",
    "delete",
    "desc",
    "distinct",
    "exists",
    "explain",
    "for",
    "from",
    "group",
    "having",
    "in",
    "index",
    "inner",
    "insert",
    "into",
    "is",
    "join",
    "key",
    "left",
    "like",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "primary",
    "prepare",
    "returning",
    "rollback",
    "select",
    "set",
    "table",
    "transaction",
    "union",
    "unique",
    "update",
    "values",
    "where",
    "with",
];
const JSON: &[&str] = &["false", "null", "true"];
const HTTP: &[&str] = &["DELETE", "GET", "HEAD", "HTTP", "PATCH", "POST", "PUT"];

/// The pieces of `text`, in order and without gaps.
pub fn tokens<'t>(language: &str, text: &'t str) -> Vec<(Token, &'t str)> {
    let mut tokens: Vec<(Token, &str)> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let fresh = tokens.last().is_none_or(|(_, last)| last.ends_with('\n'));
        let (token, length) = match language {
            "js" | "sql" | "json" => lexeme(language, rest),
            "http" => header(rest, fresh),
            _ => (Token::Plain, rest.len()),
        };
        let (piece, after) = rest.split_at(length);
        tokens.push((token, piece));
        rest = after;
    }
    tokens
}

/// What stands at the start of `text`, and how long it is: at least one character.
fn lexeme(language: &str, text: &str) -> (Token, usize) {
    let line = text.find('\n').unwrap_or(text.len());
    let first = text.chars().next().unwrap_or_default();
    // Without the tables of all scripts, which every visitor would fetch.
    let word = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || c == '_' || c == '$';
    match first {
        '/' if language == "js" && text.starts_with("//") => (Token::Comment, line),
        '/' if language == "js" && text.starts_with("/*") => {
            let end = text.find("*/").map_or(text.len(), |at| at + 2);
            (Token::Comment, end)
        }
        '-' if language == "sql" && text.starts_with("--") => (Token::Comment, line),
        '"' | '\'' | '`' => {
            let end = quoted(text, first);
            let is_name = language == "json" && text[end..].trim_start().starts_with(':');
            (if is_name { Token::Name } else { Token::Text }, end)
        }
        c if c.is_ascii_digit() => {
            let number = |c: char| word(c) || c == '.';
            let end = text.find(|c| !number(c)).unwrap_or(text.len());
            (Token::Number, end)
        }
        c if word(c) => {
            let end = text.find(|c| !word(c)).unwrap_or(text.len());
            let known = match language {
                "js" => JS.contains(&&text[..end]),
                "sql" => SQL.contains(&text[..end].to_ascii_lowercase().as_str()),
                _ => JSON.contains(&&text[..end]),
            };
            (if known { Token::Keyword } else { Token::Plain }, end)
        }
        c => (Token::Plain, c.len_utf8()),
    }
}

/// The length of the text in quotes at the start of `text`, its quotes with it; to the end if it is not closed.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\\' => escaped = !escaped,
            c if c == quote && !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    text.len()
}

/// As [`lexeme`], of a message of HTTP; `fresh` at the start of a line.
fn header(text: &str, fresh: bool) -> (Token, usize) {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let end = text.find(|c| !word(c)).unwrap_or(text.len());
    if end == 0 {
        return (Token::Plain, text.chars().next().map_or(1, char::len_utf8));
    }
    let token = if HTTP.contains(&&text[..end]) {
        Token::Keyword
    } else if fresh && text[end..].starts_with(':') {
        Token::Name
    } else if text[..end].bytes().all(|b| b.is_ascii_digit()) {
        Token::Number
    } else {
        Token::Plain
    };
    (token, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces that are not plain.
    fn check(language: &str, text: &str, expected: &[(Token, &str)]) {
        let mut told = tokens(language, text);
        told.retain(|(token, _)| *token != Token::Plain);
        assert_eq!(told, expected);
    }

    #[test]
    fn pieces_are_what_they_are_in_their_language() {
        use Token::{Comment, Keyword, Name, Number, Text};
        check(
            "js",
            "const a = 'it\\'s'; // so\nreturn x1 + 20;",
            &[
                (Keyword, "const"),
                (Text, "'it\\'s'"),
                (Comment, "// so"),
                (Keyword, "return"),
                (Number, "20"),
            ],
        );
        check(
            "sql",
            "SELECT name FROM pages -- all\nLIMIT 20",
            &[
                (Keyword, "SELECT"),
                (Keyword, "FROM"),
                (Comment, "-- all"),
                (Keyword, "LIMIT"),
                (Number, "20"),
            ],
        );
        check(
            "json",
            "{ \"a\" : \"b\", \"c\": [1.5, true] }",
            &[
                (Name, "\"a\""),
                (Text, "\"b\""),
                (Name, "\"c\""),
                (Number, "1.5"),
                (Keyword, "true"),
            ],
        );
        check(
            "http",
            "GET /x HTTP/1.1\nCache-Control: max-age=60",
            &[
                (Keyword, "GET"),
                (Keyword, "HTTP"),
                (Number, "1"),
                (Number, "1"),
                (Name, "Cache-Control"),
                (Number, "60"),
            ],
        );
        check("text", "const x = 1", &[]);
    }

    #[test]
    fn nothing_is_lost_wherever_the_text_ends() {
        let text = "GET /ä HTTP\nA-b: \"x\\\" // ' -- `c` 1.5 /* é */ { \"k\" : true }";
        for (at, _) in text.char_indices() {
            for part in [&text[..at], &text[at..]] {
                for language in ["js", "sql", "json", "http", "text"] {
                    let pieces = tokens(language, part);
                    assert!(pieces.iter().all(|(_, piece)| !piece.is_empty()));
                    let whole: String = pieces.iter().map(|(_, piece)| *piece).collect();
                    assert_eq!(whole, part);
                }
            }
        }
    }
}
