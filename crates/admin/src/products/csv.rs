//! Tables as text: what is written for spreadsheets, and what they write (RFC 4180, and Excel's ways).

use crate::failure::Failure;
use ::csv::{ByteRecord, Reader, ReaderBuilder, Terminator, WriterBuilder};
use actix_web::web::Bytes;
use haat_domain::error::Error;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// The columns of a table of products.
pub(super) const COLUMNS: [&str; 8] =
    ["id", "sku", "name", "description", "price", "currency", "stock", "status"];

/// More columns than this have nothing to do with products.
const MAX_COLUMNS: usize = 64;
/// The longest row, in bytes: the longest description has 40 000, and as many again if it is all quotation marks.
const MAX_ROW: usize = 256 * 1024;
/// As much of a file is looked at to find its header.
const HEAD: u64 = 64 * 1024;
pub(super) const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// What a formula begins with (OWASP, CSV Injection).
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A cell that no spreadsheet takes for a formula: what would begin one gets an apostrophe in front. Spreadsheets of
/// some countries part cells at semicolons, and so a formula may begin behind one as well. What looks shielded already
/// gets another apostrophe, so that [`unshield`] gives back every cell.
pub(super) fn shield(cell: &str) -> Cow<'_, str> {
    with_apostrophes(cell, |before| before + 1)
}

/// The cell that was [`shield`]ed.
pub(super) fn unshield(cell: &str) -> Cow<'_, str> {
    with_apostrophes(cell, |before| before.saturating_sub(1))
}

/// The cell with another number of apostrophes before each beginning of a formula.
fn with_apostrophes(cell: &str, number: impl Fn(usize) -> usize) -> Cow<'_, str> {
    if !cell.contains(FORMULA) {
        return Cow::Borrowed(cell);
    }
    let mut out = String::with_capacity(cell.len() + 2);
    for part in cell.split_inclusive([';', '\t']) {
        let bare = part.trim_start_matches('\'');
        let before = part.len() - bare.len();
        let after = if bare.starts_with(FORMULA) { number(before) } else { before };
        out.extend(std::iter::repeat_n('\'', after));
        out.push_str(bare);
    }
    Cow::Owned(out)
}

/// Rows as text, every cell [`shield`]ed.
/// that takes semicolons, only the first cell of a row is in quotation marks.
pub(super) fn written<C: AsRef<str>>(rows: impl IntoIterator<Item = Vec<C>>) -> Result<Bytes, Error> {
    let mut out = WriterBuilder::new().terminator(Terminator::CRLF).flexible(true).from_writer(Vec::new());
    for row in rows {
        out.write_record(row.iter().map(|cell| shield(cell.as_ref()).into_owned()))
            .map_err(Error::internal)?;
    }
    let text = out.into_inner().map_err(|_| Error::internal("a table was not written to its end"))?;
    Ok(text.into())
}

/// A reader that gives only so much until it is let go on: no row fills the memory, however it is quoted.
struct Leash {
    file: File,
    left: usize,
}

impl Read for Leash {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("a row is too long"));
        }
        let count = self.file.read(buffer)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}

/// A table in a file, row by row.
pub(super) struct Table {
    rows: Reader<Leash>,
    columns: Vec<&'static str>,
    /// The row that was read last, as a spreadsheet counts them: the header is the first.
    row: u64,
    /// The bytes of the file.
    pub(super) size: u64,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it is, as a spreadsheet counts.
    pub(super) number: u64,
    /// The cells by their columns. None if there are not as many as in the header.
    pub(super) cells: Vec<(&'static str, String)>,
    /// How many there are.
    pub(super) count: usize,
}

impl Row {
    /// The cell in this column, if the table has it.
    pub(super) fn cell(&self, column: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| *name == column).map(|(_, cell)| cell.as_str())
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.cells.iter().map(|(_, cell)| cell.len()).sum()
    }
}

fn refused<T>(sentence: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Malformed(sentence.into()))
}

fn broken(error: io::Error) -> Failure {
    Failure::Domain(Error::internal(error))
}

impl Table {
    /// Finds out how a file is written, and reads its header. What is wrong with it is [`Failure::Malformed`].
    pub(super) fn open(mut file: File) -> Result<Self, Failure> {
        let size = file.metadata().map_err(broken)?.len();
        file.rewind().map_err(broken)?;
        if !is_text(&mut file).map_err(broken)? {
            return refused(
                "the file is not UTF-8 text: save it as “CSV UTF-8”, not as a workbook and not as “CSV (Macintosh)” \
                 or “Unicode text”",
            );
        }
        file.rewind().map_err(broken)?;
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(HEAD).read_to_end(&mut head).map_err(broken)?;
        let (start, text) = match head.strip_prefix(&MARK) {
            Some(text) => (3, text),
            None => (0, head.as_slice()),
        };
        if text.iter().all(u8::is_ascii_whitespace) {
            return refused("the file is empty");
        }
        file.seek(SeekFrom::Start(start)).map_err(broken)?;
        let mut rows = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator(text))
            .from_reader(Leash { file, left: MAX_ROW });
        let mut header = ByteRecord::new();
        match rows.read_byte_record(&mut header) {
            Ok(true) => {}
            Ok(false) => return refused("the file is empty"),
            Err(_) => return refused("the first line is too long for a header"),
        }
        let columns = columns(&header)?;
        Ok(Self { rows, columns, row: 1, size })
    }

    /// How many bytes were read.
    pub(super) fn read(&self) -> u64 {
        self.rows.position().byte()
    }

    /// The next row that has anything in it. An error is a sentence, and the end.
    pub(super) fn next(&mut self) -> Option<Result<Row, String>> {
        let mut record = ByteRecord::new();
        loop {
            self.rows.get_mut().left = MAX_ROW;
            self.row += 1;
            match self.rows.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => {
                    return Some(Err(format!(
                        "row {} has no end: perhaps a quotation mark is not closed",
                        self.row
                    )));
                }
            }
            // Spreadsheets leave empty rows behind.
            if !record.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace)) {
                return Some(Ok(self.row_of(&record)));
            }
        }
    }

    fn row_of(&self, record: &ByteRecord) -> Row {
        let fits = record.len() == self.columns.len();
        let cells = self.columns.iter().zip(record.iter()).filter(|_| fits);
        let cells = cells.map(|(column, cell)| {
            // The whole file was seen to be UTF-8, and no separator is within a character.
            let cell = String::from_utf8_lossy(cell);
            (*column, unshield(&cell).into_owned())
        });
        Row { number: self.row, cells: cells.collect(), count: record.len() }
    }

    /// How many cells a row must have.
    pub(super) const fn width(&self) -> usize {
        self.columns.len()
    }
}

/// Whether all of a file is UTF-8.
fn is_text(file: &mut File) -> io::Result<bool> {
    let mut piece = Vec::new();
    loop {
        let begun = piece.len();
        Read::by_ref(file).take(HEAD).read_to_end(&mut piece)?;
        if piece.len() == begun {
            return Ok(begun == 0);
        }
        piece = match std::str::from_utf8(&piece) {
            Ok(_) => Vec::new(),
            // A character that the next piece may complete.
            Err(error) if error.error_len().is_none() => piece.split_off(error.valid_up_to()),
            Err(_) => return Ok(false),
        };
    }
}

/// What stands between cells: whichever of these the header has most of, outside of quotation marks. Excel writes
/// semicolons where the comma is for decimals.
fn separator(text: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0)];
    for byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            byte => counts.iter_mut().filter(|(mark, _)| mark == byte).for_each(|(_, count)| *count += 1),
        }
    }
    // Of equals the last is the greatest: the comma.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(mark, _)| *mark)
}

/// The columns that a header names.
fn columns(header: &ByteRecord) -> Result<Vec<&'static str>, Failure> {
    if header.len() > MAX_COLUMNS {
        return refused(format!("the header has {} columns, but {MAX_COLUMNS} are the most", header.len()));
    }
    let names: Vec<_> =
        header.iter().map(|name| String::from_utf8_lossy(name).trim().to_lowercase()).collect();
    let known = |name: &String| COLUMNS.into_iter().find(|column| column == name);
    let columns: Vec<_> = names.iter().filter_map(known).collect();
    let all = COLUMNS.join(", ");
    if columns.is_empty() {
        return refused(format!("the file has no header: its first row must name the columns, out of {all}"));
    }
    let strange: Vec<_> =
        names.iter().filter(|name| known(name).is_none()).map(|name| quoted(name)).collect();
    if !strange.is_empty() {
        let strange = strange.join(", ");
        return refused(format!(
            "there are columns that nobody knows here: {strange}. Those that there are: {all}"
        ));
    }
    let twice = columns.iter().find(|column| columns.iter().filter(|other| other == column).count() > 1);
    if let Some(twice) = twice {
        return refused(format!("the header has the column {} twice", quoted(twice)));
    }
    if !columns.contains(&"name") {
        return refused("the header has no column “name”");
    }
    Ok(columns)
}

fn quoted(name: &str) -> String {
    let short: String = name.chars().take(40).collect();
    if short.is_empty() { "one without a name".to_owned() } else { format!("“{short}”") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file
    }

    fn refusal(text: &[u8]) -> String {
        Table::open(file(text)).map(|_| ()).unwrap_err().to_string()
    }

    fn rows(text: &[u8]) -> Vec<Row> {
        let mut table = Table::open(file(text)).unwrap();
        std::iter::from_fn(|| table.next()).map(Result::unwrap).collect()
    }

    fn cells(text: &[u8]) -> Vec<Vec<String>> {
        rows(text).into_iter().map(|row| row.cells.into_iter().map(|(_, cell)| cell).collect()).collect()
    }

    /// Every text of up to four of these.
    fn texts() -> Vec<String> {
        let letters = ["'", "=", "+", "-", "@", "\t", "\r", "\n", "a", "\"", ",", ";", " "];
        let mut texts = vec![String::new()];
        for length in 0..4 {
            let longest: Vec<_> = texts.iter().filter(|text| text.len() == length).cloned().collect();
            texts.extend(longest.iter().flat_map(|text| letters.map(|letter| format!("{text}{letter}"))));
        }
        texts
    }

    #[test]
    fn no_cell_is_a_formula_and_every_cell_comes_back() {
        for text in texts() {
            let shielded = shield(&text);
            let formula = shielded.split([';', '\t']).any(|cell| cell.starts_with(FORMULA));
            assert!(!formula, "{text:?} as {shielded:?}");
            assert_eq!(unshield(&shielded), text, "{text:?} as {shielded:?}");
        }
        assert_eq!(
            [shield("=1"), shield("'=1"), shield("'tis"), shield("Tea;=1")],
            ["'=1", "''=1", "'tis", "Tea;'=1"]
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let texts: Vec<_> = texts().into_iter().filter(|text| !text.trim().is_empty()).collect();
        let table = [vec!["name".to_owned(), "description".to_owned()]].into_iter();
        let table = table.chain(texts.iter().map(|text| vec![text.clone(), "x".to_owned()]));
        let read = rows(&written(table).unwrap());
        assert_eq!(read.len(), texts.len());
        for (row, text) in read.iter().zip(&texts) {
            assert_eq!(row.cell("name"), Some(text.as_str()));
        }
    }

    #[test]
    fn whatever_a_spreadsheet_writes_is_read() {
        let wanted = [["Tea", "1.50"]];
        for text in [
            "name,price\nTea,1.50\n",
            "name,price\r\nTea,1.50",
            "\u{feff}name,price\r\n\"Tea\",\"1.50\"\r\n",
            "Name;PRICE\r\nTea;1.50\r\n;\r\n\r\n",
            "\"name\"\t price \nTea\t1.50\n",
            "name,price\rTea,1.50\r",
        ] {
            assert_eq!(cells(text.as_bytes()), wanted, "{text:?}");
        }
        assert_eq!(cells(b"name,description\nTea,\"a;b;c\r\nd\"\"e\"\n"), [["Tea", "a;b;c\r\nd\"e"]]);
    }

    #[test]
    fn what_is_no_table_of_products_is_refused_with_a_reason() {
        let many = ["name"; 65].join(",");
        for (text, reason) in [
            (&b""[..], "the file is empty"),
            (b"\xef\xbb\xbf\r\n ", "the file is empty"),
            (b"\xff\xfen\0a\0", "not UTF-8"),
            (b"name\nCaf\xe9\n", "not UTF-8"),
            (b"name\nCaf\xc3", "not UTF-8"),
            (b"PK\x03\x04\x14\x00\x06\xff", "not UTF-8"),
            (b"Tea,1.50\n", "no header"),
            (b"name,colour,,price\n", "nobody knows here: “colour”, one without a name"),
            (b"name,price,NAME\n", "the column “name” twice"),
            (b"id,price\n", "no column “name”"),
            (many.as_bytes(), "65 columns"),
        ] {
            let said = refusal(text);
            assert!(said.contains(reason), "{said}");
        }
    }

    #[test]
    fn a_row_knows_where_it_is_and_how_wide() {
        let read = rows(b"name,price\nTea\nCoffee,1,2\n,\n\"Two\nlines\",3\n");
        let found: Vec<_> = read.iter().map(|row| (row.number, row.count, row.cells.len())).collect();
        assert_eq!(found, [(2, 1, 0), (3, 3, 0), (5, 2, 2)]);
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_does_not_fill_the_memory() {
        let text = format!("name,price\nTea,1\n\"{}", "x,1\n".repeat(MAX_ROW));
        let mut table = Table::open(file(text.as_bytes())).unwrap();
        assert!(table.next().unwrap().is_ok());
        assert!(table.next().unwrap().unwrap_err().contains("row 3 has no end"));
        assert!(table.read() < 2 * u64::try_from(MAX_ROW).unwrap());
    }

    #[test]
    fn a_character_between_two_pieces_of_a_file_is_whole() {
        let text = format!("name\n{}é{}\n", "x".repeat(64 * 1024 - 6), "é".repeat(70_000));
        let mut file = file(text.as_bytes());
        file.rewind().unwrap();
        assert!(is_text(&mut file).unwrap());
    }
}
