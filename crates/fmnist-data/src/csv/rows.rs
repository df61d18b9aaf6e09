//! Reads the images of a table, line by line.

use super::columns::Columns;
use super::input::Source;
use super::labels::Labels;
use super::table::{MAX_LABEL, MAX_VALUE, Table};
use super::values::Pixels;
use crate::Error;
use crate::dataset::{MAX_IMAGES, MAX_PIXELS};

/// The images of a table.
pub(super) struct Rows {
    pub(super) count: usize,
    pub(super) pixels: Pixels,
    /// Empty if the table has no labels.
    pub(super) labels: Labels,
}

impl Rows {
    /// Reads all images; `size` is theirs, for messages.
    pub(super) fn read(
        source: Source<'_>,
        separator: u8,
        columns: Columns,
        size: impl std::fmt::Display,
    ) -> Result<Self, Error> {
        let mut table = Table::open(source, separator)?;
        if columns.has_header {
            while table.advance(MAX_VALUE)? && !table.is_last() {}
        }
        let bytes = columns.n_pixels() as u64;
        let most = MAX_PIXELS.checked_div(bytes).unwrap_or(0).min(MAX_IMAGES as u64);
        let labels = Labels::new(source.path(), columns.label.unwrap_or(0), separator);
        let mut rows = Self { count: 0, pixels: Pixels::new(), labels };
        while table.advance(longest(columns, 0))? {
            if rows.count as u64 >= most {
                return Err(table.wrong(format!("at most {most} images of {size}"), "more".into()));
            }
            rows.read_line(&mut table, columns)?;
            rows.count = rows.count.saturating_add(1);
        }
        if rows.count == 0 {
            let label = if columns.label.is_some() { "a label and its pixels" } else { "pixels" };
            let expected = format!("{label} under the header");
            return Err(table.wrong(expected, "the end of the file".into()));
        }
        Ok(rows)
    }

    /// Reads a line, whose first value the table has just read.
    fn read_line(&mut self, table: &mut Table<'_>, columns: Columns) -> Result<(), Error> {
        let total = columns.total;
        let like = if columns.has_header { "the header" } else { "the first line" };
        for column in 0..total {
            if column > 0 {
                if table.is_last() {
                    let expected = format!("{total} columns, as in {like}");
                    return Err(table.wrong(expected, table.column().to_string()));
                }
                table.advance(longest(columns, column))?;
            }
            if columns.label == Some(column) {
                self.labels.push(table)?;
            } else if column > 0 || !columns.has_row_numbers {
                self.pixels.push(table)?;
            }
        }
        match table.is_last() {
            true => Ok(()),
            false => Err(table.wrong(format!("{total} columns, as in {like}"), "more".into())),
        }
    }
}

/// The longest value of a column.
fn longest(columns: Columns, column: usize) -> usize {
    if columns.label == Some(column) { MAX_LABEL } else { MAX_VALUE }
}
