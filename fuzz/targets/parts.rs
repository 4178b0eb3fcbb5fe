//! Several files in one text, for readers of folders: a line `%% name` begins the next.

/// The first file, and the others by name.
pub fn parts(text: &str) -> (&str, Vec<(&str, &str)>) {
    let mut all = text.split("\n%% ");
    let first = all.next().unwrap_or_default();
    let named = all.map(|part| part.split_once('\n').unwrap_or((part, "")));
    (first, named.collect())
}
