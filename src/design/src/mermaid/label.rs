//! The words in a box.

/// The most characters that are kept of one.
const LONGEST: usize = 60;

/// A text as it may stand between quotes.
pub(super) fn escaped(label: &str) -> String {
    let mut text = String::new();
    for c in label.chars() {
        match c {
            '"' => text.push_str("#quot;"),
            '#' => text.push_str("#35;"),
            '&' => text.push_str("#amp;"),
            '<' => text.push_str("#lt;"),
            '>' => text.push_str("#gt;"),
            '`' => text.push_str("#96;"),
            '*' => text.push_str("#42;"),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    // Two of them begin a comment, or a directive, wherever they stand.
    text.replace("%%", "#37;#37;")
}

/// What is read in a box: without quotes, marks of Markdown, tags, and names of icons.
pub(super) fn plain(text: &str) -> String {
    let text = text.trim();
    let text = { text.strip_prefix('"') }
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    let markdown = { text.strip_prefix('`') }.and_then(|text| text.strip_suffix('`'));
    let text = match markdown {
        Some(text) => text.replace("**", "").replace(['*', '_'], ""),
        None => text.to_owned(),
    };
    let words = decoded(&untagged(&text));
    // Icons of Font Awesome: `fa:fa-user`.
    let is_icon = |word: &&str| {
        let set = ["fa:", "fab:", "fas:", "far:", "fal:"];
        !set.iter().any(|set| word.starts_with(set))
    };
    let words: Vec<&str> = words.split_whitespace().filter(is_icon).collect();
    words.join(" ").chars().take(LONGEST).collect()
}

/// Tags become spaces.
fn untagged(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let is_tag = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        if let Some(end) = tag.find('>').filter(|_| is_tag) {
            out.push(' ');
            rest = &tag[end + 1..];
        } else {
            out.push('<');
            rest = &tag[1..];
        }
    }
    out.push_str(rest);
    out
}

/// Entities, as Mermaid writes them (`#quot;`, `#35;`) or as HTML does (`&amp;`), become what they stand for.
fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['#', '&']) {
        let (before, entity) = rest.split_at(at);
        out.push_str(before);
        // The longest is some ten letters.
        let end = entity.char_indices().take(12).find(|(_, c)| *c == ';');
        let name = end.map(|(end, _)| entity[1..end].trim_start_matches('#'));
        if let (Some(c), Some((end, _))) = (name.and_then(entity_named), end) {
            out.push(c);
            rest = &entity[end + 1..];
        } else {
            out.push_str(&entity[..1]);
            rest = &entity[1..];
        }
    }
    out.push_str(rest);
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    out.chars().map(shown).collect()
}

fn entity_named(name: &str) -> Option<char> {
    match name {
        "quot" => Some('"'),
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        number => char::from_u32(number.parse().ok()?),
    }
}
