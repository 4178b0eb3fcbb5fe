//! A record's file: comma-separated values with a head line and no quotes.

use core::str::FromStr;

/// A table of texts.
#[derive(Clone, Debug)]
pub struct Table {
    head: Vec<String>,
    lines: Vec<Vec<String>>,
}

/// One line of a [`Table`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    head: &'a [String],
    values: &'a [String],
    /// Its number in the file, from 1.
    number: usize,
}

impl Table {
    /// The table in `text`. A line may hold more commas than the head has columns if its second column is such that they belong to it
    /// (a key as it is).
    ///
    /// # Errors
    ///
    /// If there is no head, or a line is too short.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let head: Vec<String> = lines
            .next()
            .unwrap_or_default()
            .split(',')
            .map(str::to_owned)
            .collect();
        if head.len() < 2 {
            return Err("line 1: a head with two columns or more is expected".to_owned());
        }
        let mut read = Vec::new();
        for (at, line) in lines.enumerate() {
            let mut values: Vec<String> = line.split(',').map(str::to_owned).collect();
            if values.len() < head.len() {
                return Err(format!(
                    "line {}: {} values are expected, not {}",
                    at + 2,
                    head.len(),
                    values.len()
                ));
            }
            let more = values.len() - head.len();
            let second = values[1..=1 + more].join(",");
            values.splice(1..=1 + more, [second]);
            read.push(values);
        }
        Ok(Self { head, lines: read })
    }

    /// All lines.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let numbered = self.lines.iter().enumerate();
        let rows = numbered.map(|(at, values)| Row {
            head: &self.head,
            values,
            number: at + 2,
        });
        rows.collect()
    }

    /// The lines in runs of one value of all these columns.
    ///
    /// # Errors
    ///
    /// If there is no such column.
    pub fn groups(&self, columns: &[&str]) -> Result<Vec<Vec<Row<'_>>>, String> {
        let mut groups: Vec<(Vec<&str>, Vec<Row<'_>>)> = Vec::new();
        for row in self.rows() {
            let of: Result<Vec<&str>, String> =
                columns.iter().map(|column| row.get(column)).collect();
            let of = of?;
            match groups.last_mut() {
                Some((last, rows)) if *last == of => rows.push(row),
                _ => groups.push((of, vec![row])),
            }
        }
        Ok(groups.into_iter().map(|(_, rows)| rows).collect())
    }
}

impl<'a> Row<'a> {
    /// The value in `column`.
    ///
    /// # Errors
    ///
    /// If there is no such column.
    pub fn get(&self, column: &str) -> Result<&'a str, String> {
        let at = self.head.iter().position(|name| name == column);
        let value = at.and_then(|at| self.values.get(at));
        value
            .map(String::as_str)
            .ok_or_else(|| format!("line 1: there is no column '{column}'"))
    }

    /// The number in `column`.
    ///
    /// # Errors
    ///
    /// If there is no such column, or no number of that kind in it.
    pub fn number<T: FromStr>(&self, column: &str) -> Result<T, String> {
        let text = self.get(column)?;
        text.parse()
            .map_err(|_| self.wrong(column, text, "a number"))
    }

    /// That `column` holds something else than it may.
    pub fn wrong(&self, column: &str, found: &str, allowed: &str) -> String {
        let found: String = found.chars().take(60).collect();
        format!("line {}, {column}: '{found}' is not {allowed}", self.number)
    }
}
