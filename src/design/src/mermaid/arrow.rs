//! Arrows: `-->`, `---`, `-.->`, `==>`, `o--o`, `-- words -->`, `-->|words|`, `id@-->`.

/// An arrow that was read.
pub(super) struct Arrow<'a> {
    /// Whether it is drawn: `~~~` only says where boxes stand.
    pub is_drawn: bool,
    /// Its id, if it has one.
    pub id: Option<&'a str>,
    /// What stands behind it.
    pub rest: &'a str,
}

/// The arrow at the beginning of a text, its words passed over.
pub(super) fn read(text: &str) -> Option<Arrow<'_>> {
    let text = text.trim_start();
    let (id, text) = match text.split_once('@') {
        Some((id, after)) if !id.is_empty() && is_name(id) && whole(after).is_some() => {
            (Some(id), after)
        }
        _ => (None, text),
    };
    let (is_drawn, rest) = whole(text)?;
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('|') {
        // Quotes may hold a bar, too.
        Some(words) => after_bar(words)?.trim_start(),
        None => rest,
    };
    Some(Arrow { is_drawn, id, rest })
}

fn is_name(id: &str) -> bool {
    id.chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn after_bar(words: &str) -> Option<&str> {
    let mut in_quotes = false;
    let end = words.find(|c| {
        in_quotes ^= c == '"';
        c == '|' && !in_quotes
    });
    // A quote that does not end is no quote.
    let end = end.or_else(|| words.find('|'))?;
    Some(&words[end + 1..])
}

/// An arrow without what stands between bars: whether it is drawn, and what is behind it.
fn whole(text: &str) -> Option<(bool, &str)> {
    if let Some(waves) = text.strip_prefix("~~~") {
        return Some((false, waves.trim_start_matches('~')));
    }
    if let Some(rest) = line(text) {
        return Some((true, rest));
    }
    // Words stand within it: they end where a line of the same sort does.
    let body = text.strip_prefix(['x', 'o', '<']).unwrap_or(text);
    let (words, sort) = [("--", '-'), ("==", '='), ("-.", '.')]
        .iter()
        .find_map(|(begin, sort)| Some((body.strip_prefix(begin)?, *sort)))?;
    let mut in_quotes = false;
    let ends = words.char_indices().find_map(|(at, c)| {
        in_quotes ^= c == '"';
        let begins = match sort {
            '-' => words[at..].starts_with("--"),
            '=' => words[at..].starts_with("=="),
            _ => words[at..].starts_with("-.") || words[at..].starts_with(".-"),
        };
        if in_quotes || !begins {
            return None;
        }
        line(&words[at..])
    });
    ends.map(|rest| (true, rest))
}

/// A line without words: an end, so many strokes, an end. What is behind it.
fn line(text: &str) -> Option<&str> {
    let body = text.strip_prefix(['x', 'o', '<']).unwrap_or(text);
    let ends = |rest: &'_ str| rest.starts_with(['x', 'o', '>']);
    // Two strokes and an end, or three.
    let solid = |stroke: char| {
        let rest = body.trim_start_matches(stroke);
        let strokes = body.len() - rest.len();
        match strokes {
            0 | 1 => None,
            _ if ends(rest) => Some(&rest[1..]),
            2 => None,
            _ => Some(rest),
        }
    };
    let dotted = || {
        let rest = body.strip_prefix('-').unwrap_or(body);
        let after = rest.trim_start_matches('.');
        if after.len() == rest.len() {
            return None;
        }
        let after = after.strip_prefix('-')?;
        Some(if ends(after) { &after[1..] } else { after })
    };
    solid('-').or_else(|| solid('=')).or_else(dotted)
}
