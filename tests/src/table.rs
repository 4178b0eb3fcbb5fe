//! Recorded results of real systems and of theory, as tables.

/// A file of comma-separated values with a head line and no quotes.
#[derive(Debug)]
pub struct Table {
    head: Vec<String>,
    lines: Vec<Vec<String>>,
}

/// One line of a [`Table`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    head: &'a [String],
    values: &'a [String],
}

/// The table in `file` of `tests/oracle`.
///
/// # Panics
///
/// If it cannot be read, or has a line of another length than its head.
pub fn oracle(file: &str) -> Table {
    let path = format!("{}/oracle/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{path}: {fault}"));
    let split = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut lines = text.lines().map(split);
    let head = lines.next().unwrap_or_default();
    let lines: Vec<_> = lines.collect();
    for line in &lines {
        assert_eq!(line.len(), head.len(), "{path}: {line:?}");
    }
    assert!(!lines.is_empty(), "{path} is empty");
    Table { head, lines }
}

impl Table {
    /// All lines.
    pub fn rows(&self) -> Vec<Row<'_>> {
        self.lines
            .iter()
            .map(|values| Row {
                head: &self.head,
                values,
            })
            .collect()
    }

    /// The lines in runs of one value of `column`.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    pub fn groups(&self, column: &str) -> Vec<Vec<Row<'_>>> {
        let rows = self.rows();
        rows.chunk_by(|a, b| a.get(column) == b.get(column))
            .map(<[Row<'_>]>::to_vec)
            .collect()
    }
}

impl<'a> Row<'a> {
    /// The value in `column`.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    pub fn get(&self, column: &str) -> &'a str {
        let at = self.head.iter().position(|name| name == column);
        &self.values[at.unwrap_or_else(|| panic!("there is no column '{column}'"))]
    }

    /// The number in `column`.
    ///
    /// # Panics
    ///
    /// If it is no number of that kind.
    pub fn number<T: core::str::FromStr>(&self, column: &str) -> T {
        let text = self.get(column);
        let number = text.parse().ok();
        number.unwrap_or_else(|| panic!("'{text}' in '{column}' is not a number"))
    }
}
