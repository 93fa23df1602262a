//! Columns aligned by tabs or by blanks. By tabs: tab stops are eight apart, a tab ends each cell.
//!
//! A column is as wide as the cells of lines that follow each other without a gap; where a line has fewer cells, the
//! column ends and begins anew below.

const STOP: usize = 8;

/// The lines as text.
pub(in crate::cli) fn aligned(lines: &[Vec<String>]) -> String {
    let widths = widths(lines);
    let mut out = String::new();
    for (line, widths) in lines.iter().zip(&widths) {
        for (cell, width) in line.iter().zip(widths) {
            out.push_str(cell);
            let missing = width - cell.chars().count();
            out.extend(std::iter::repeat_n('\t', missing.div_ceil(STOP)));
        }
        out.push('\n');
    }
    out
}

/// Columns two blanks apart; nothing stands behind a line's last cell.
pub(in crate::cli) fn spaced(lines: &[Vec<String>]) -> String {
    let mut out = String::new();
    for line in lines {
        for (column, cell) in line.iter().enumerate() {
            out.push_str(cell);
            if column + 1 == line.len() {
                break;
            }
            let cells = lines.iter().filter_map(|line| line.get(column));
            let longest = cells.map(|cell| cell.chars().count()).max();
            let missing = longest.unwrap_or(0) + 2 - cell.chars().count();
            out.extend(std::iter::repeat_n(' ', missing));
        }
        out.push('\n');
    }
    out
}

/// For each cell, how wide its column is there.
fn widths(lines: &[Vec<String>]) -> Vec<Vec<usize>> {
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|line| vec![0; line.len()]).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut from = 0;
        while from < lines.len() {
            let run = lines[from..]
                .iter()
                .take_while(|line| line.len() > column)
                .count();
            let longest = lines[from..from + run]
                .iter()
                .map(|line| line[column].chars().count());
            let width = (longest.max().unwrap_or(0) + 1).next_multiple_of(STOP);
            for line in &mut widths[from..from + run] {
                line[column] = width;
            }
            from += run.max(1);
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_end_where_a_line_has_no_cell() {
        let lines = |text: &str| -> Vec<Vec<String>> {
            text.lines()
                .map(|line| line.split('|').map(str::to_owned).collect())
                .collect()
        };
        assert_eq!(
            aligned(&lines(
                "ID|EMAIL\n0123456|ada@example.org\n\nNEXT PAGE TOKEN|t"
            )),
            "ID\t\tEMAIL\t\t\n0123456\t\tada@example.org\t\n\t\t\nNEXT PAGE TOKEN\tt\t\n"
        );
        assert_eq!(
            aligned(&lines("ä|\n12345678|b")),
            "ä\t\t\t\n12345678\tb\t\n"
        );
    }
    #[test]
    fn blanks_stand_between_cells_only() {
        let lines = [vec!["", "A", "B"], vec!["total", "12", "3"]];
        let lines = lines.map(|line| line.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(spaced(&lines), "       A   B\ntotal  12  3\n");
    }
}
