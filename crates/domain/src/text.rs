//! Text as people type it: cleaned once at the door, and folded where it is compared.

use crate::error::Violation;
use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// Trims, normalises to NFC, and refuses what no text may hold: NUL everywhere, and other control
/// characters where the text is a single line.
pub(crate) fn clean(text: &str, lines: Lines, min: usize, max: usize) -> Result<String, Violation> {
    let text: String = text.trim().nfc().collect();
    let length = text.chars().count();
    if text.contains('\0') {
        Err(Violation::new("must not contain NUL characters"))
    } else if lines == Lines::One && text.chars().any(char::is_control) {
        Err(Violation::new("must not contain control characters"))
    } else if length < min && min == 1 {
        Err(Violation::new("must not be blank"))
    } else if length < min {
        Err(Violation::new(format!("must have at least {min} characters")))
    } else if length > max {
        Err(Violation::new(format!("must have at most {max} characters")))
    } else {
        Ok(text)
    }
}

/// Whether line breaks and tabs are welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// A name: one line.
    One,
    /// A description: any number.
    Many,
}

/// The form in which text is compared and searched: NFKC, case-folded, runs of white space made one blank.
///
/// ```
/// # use haat_domain::text::fold;
/// assert_eq!(fold("  ＤreamＫart "), fold("dreamkart"));
/// assert_eq!(fold("STRASSE"), fold("Straße"));
/// ```
pub fn fold(text: &str) -> String {
    let folded: String = text.nfkc().default_case_fold().nfkc().collect();
    let mut words = folded.split_whitespace();
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| text + " " + word)
}

/// Words that must all occur, in any order: at most eight, compared as [`fold`]ed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search(Vec<String>);

impl Search {
    /// The words of a search text; `None` if there are none.
    pub fn parse(text: &str) -> Result<Option<Self>, Violation> {
        let text = clean(text, Lines::One, 0, 200)?;
        let words: Vec<_> =
            fold(&text).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        match words.len() {
            0 => Ok(None),
            1..=8 => Ok(Some(Self(words))),
            _ => Err(Violation::new("must have at most 8 words")),
        }
    }

    /// The folded words.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Whether all of them are in this folded text.
    pub fn matches(&self, folded: &str) -> bool {
        self.0.iter().all(|word| folded.contains(word.as_str()))
    }
}
