//! Figures in a Markdown file: between markers, so that a run replaces what it has measured and nothing else.

use std::path::Path;
use std::process::Command;

use super::{figures, machine, picture, report};
use crate::shell::{Outcome, output, read, root, write};

/// Writes the rows that were measured over their old ones, and the picture beside the file.
pub(crate) fn write_into(file: &Path, arguments: &[&str], rows: &[String], findings: &[String]) -> Outcome {
    let mut text = read(file)?;
    for (section, head, new) in [("requests", report::HEAD, rows), ("figures", figures::HEAD, findings)] {
        let merged = merge(&rows_of(&text, section), new);
        text = replaced(&text, section, &format!("{head}\n{}", merged.join("\n")))?;
    }
    text = replaced(&text, "machine", &circumstances(arguments))?;
    write(file, &text)?;
    let pictures = file.with_file_name("img");
    picture::draw(&pictures.join("performance.svg"), &rows_of(&text, "requests"))
}

fn circumstances(arguments: &[&str]) -> String {
    let first_line = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        let told = output(command.args(arguments).current_dir(root())).unwrap_or_default();
        String::from_utf8_lossy(&told).lines().next().unwrap_or_default().to_owned()
    };
    format!(
        "{}. {}. {}, {}, {}. Commit {}. Last run: `cargo xtask bench {}`.",
        first_line("date", &["-u", "+%-d %B %Y"]),
        machine::description(),
        first_line("rustc", &["--version"]),
        build(),
        first_line("psql", &["--version"]).replace("psql (PostgreSQL)", "PostgreSQL"),
        first_line("git", &["rev-parse", "--short", "HEAD"]),
        arguments.join(" "),
    )
}

/// Whether what was measured is what is shipped: cargo takes a profile's settings from the environment too.
#[expect(clippy::disallowed_methods, reason = "cargo's settings, not ours")]
fn build() -> String {
    let lto = std::env::var("CARGO_PROFILE_RELEASE_LTO");
    lto.map_or_else(|_| "built as shipped".to_owned(), |lto| format!("**not** built as shipped (LTO {lto})"))
}

fn markers(section: &str) -> (String, &'static str) {
    (format!("<!-- measured: {section} -->\n"), "<!-- end -->")
}

fn section_of<'t>(text: &'t str, section: &str) -> Option<(&'t str, &'t str, &'t str)> {
    let (begin, end) = markers(section);
    let (before, rest) = text.split_once(&begin)?;
    let (inside, after) = rest.split_once(end)?;
    Some((before, inside, after))
}

fn replaced(text: &str, section: &str, content: &str) -> Result<String, String> {
    let (begin, end) = markers(section);
    let (before, _, after) =
        section_of(text, section).ok_or_else(|| format!("there is no section `{section}` to write into"))?;
    Ok([before, &begin, content, "\n", end, after].concat())
}

/// The rows of a section's table, without its head.
fn rows_of(text: &str, section: &str) -> Vec<String> {
    let inside = section_of(text, section).map(|(_, inside, _)| inside).unwrap_or_default();
    inside.lines().filter(|line| line.starts_with("| ")).skip(1).map(str::to_owned).collect()
}

/// New rows take the place of old ones with the same first two cells; what was not there comes last.
fn merge(old: &[String], new: &[String]) -> Vec<String> {
    let key = |row: &str| row.split('|').take(3).collect::<String>();
    let fresh = |wanted: &str| new.iter().filter(move |row| key(row) == wanted).cloned().collect::<Vec<_>>();
    let mut keys: Vec<String> = Vec::new();
    let mut merged = Vec::new();
    for row in old.iter().chain(new) {
        let own = key(row);
        let replacements = fresh(&own);
        if replacements.is_empty() {
            merged.push(row.clone());
        } else if !keys.contains(&own) {
            merged.extend(replacements);
        }
        keys.push(own);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&str]) -> Vec<String> {
        rows.iter().map(|row| (*row).to_owned()).collect()
    }

    #[test]
    fn a_run_replaces_the_rows_that_it_has_measured_and_no_others() {
        let old = rows(&["| a | x | 1 |", "| a | x | 2 |", "| b | x | 3 |", "| c | x | 4 |"]);
        let new = rows(&["| d | x | 9 |", "| a | x | 8 |", "| a | x | 7 |"]);
        let wanted =
            rows(&["| a | x | 8 |", "| a | x | 7 |", "| b | x | 3 |", "| c | x | 4 |", "| d | x | 9 |"]);
        assert_eq!(merge(&old, &new), wanted);
    }

    #[test]
    fn a_section_is_what_stands_between_its_markers() {
        let text = "a\n<!-- measured: x -->\n| head |\n|---|\n| row |\n<!-- end -->\nb\n";
        assert_eq!(rows_of(text, "x"), ["| row |"]);
        let changed = replaced(text, "x", "new").unwrap();
        assert_eq!(changed, "a\n<!-- measured: x -->\nnew\n<!-- end -->\nb\n");
        assert!(replaced(text, "y", "new").is_err());
        assert_eq!(section_of("<!-- measured: x -->\n<!-- end -->", "x"), Some(("", "", "")), "nothing yet");
    }
}
