//! Text as people type it: cleaned once at the door, and folded where it is compared.

use crate::error::Violation;
use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Trims, normalises to NFC, and refuses what no text may hold: NUL everywhere, and other control
/// characters where the text is a single line.
pub(crate) fn clean(text: &str, lines: Lines, min: usize, max: usize) -> Result<String, Violation> {
    let text: String = text.trim().nfc().collect();
    let length = text.chars().count();
    if text.contains('\0') {
        Err(Violation::new("must not contain NUL characters"))
    } else if lines == Lines::One && text.chars().any(char::is_control) {
        Err(Violation::new("must not contain control characters"))
    } else if min > 0 && lines == Lines::One && !text.is_empty() && !text.chars().any(is_seen) {
        // It would stand in lists like nothing at all.
        Err(Violation::new("must not be blank"))
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

/// Letters and digits of any script, with the marks without which some scripts have no words; but none that nobody
/// sees, so that two words that differ look different.
pub(crate) fn in_word(c: char) -> bool {
    (c.is_alphanumeric() || is_combining_mark(c)) && !is_ignorable(c)
}

/// Unicode's `Default_Ignorable_Code_Point`: where there is no special support for it, nothing is shown.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether somebody sees a character: beside the ignorable ones, blanks, control characters, interlinear annotations
/// and the empty Braille pattern leave no trace.
fn is_seen(c: char) -> bool {
    let blank = c.is_whitespace() || c.is_control() || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{2800}');
    !(blank || is_ignorable(c))
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

/// The form in which names of stores are compared: as [`fold`]ed, and without what nobody sees, so that no two of them
/// look the same for that alone.
pub fn fold_seen(text: &str) -> String {
    fold(&text.chars().filter(|c| !is_ignorable(*c)).collect::<String>())
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_line(text: &str) -> Option<String> {
        clean(text, Lines::One, 1, 5).ok()
    }

    #[test]
    fn text_is_trimmed_and_composed() {
        assert_eq!(one_line(" cafe\u{301}\u{3000}").as_deref(), Some("café"));
        assert_eq!(one_line("\t a \n").as_deref(), Some("a"));
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        assert_eq!(one_line("😀😀😀😀😀").as_deref(), Some("😀😀😀😀😀"));
        assert_eq!(one_line("😀😀😀😀😀😀"), None);
        assert_eq!(one_line("  "), None);
    }

    #[test]
    fn no_text_holds_nul_and_no_line_another_control_character() {
        for text in ["a\0", "a\nb", "a\tb", "a\u{7f}", "a\u{85}b"] {
            assert_eq!(one_line(text), None, "{text:?}");
        }
        assert!(clean("a\nb\tc", Lines::Many, 0, 10).is_ok());
        assert!(clean("a\0b", Lines::Many, 0, 10).is_err());
    }

    #[test]
    fn a_name_that_nobody_sees_is_blank() {
        for text in [
            "\u{200b}",
            "\u{feff}\u{2060}",
            "\u{ad} \u{200d}",
            "\u{3164}",
            "\u{2800}",
            "\u{e0041}",
            "\u{202e}",
        ] {
            let refused = clean(text, Lines::One, 1, 100).unwrap_err();
            assert_eq!(refused, Violation::new("must not be blank"), "{text:?}");
        }
        // Beside something that is seen they have their uses.
        assert!(one_line("👩\u{200d}🚀").is_some() && one_line("क\u{94d}\u{200d}").is_some());
        assert!(
            clean("\u{200b}", Lines::Many, 0, 10).is_ok() && clean("\u{200b}", Lines::One, 0, 10).is_ok()
        );
    }

    #[test]
    fn what_looks_the_same_folds_to_the_same() {
        for (one, other) in [
            ("ＤreamＫart", "dreamkart"),
            ("STRASSE", "straße"),
            ("cafe\u{301}", "CAFÉ"),
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
            ("ﬁne  \u{a0} art", "FINE ART"),
            ("K", "\u{212a}"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(fold("a b"), fold("ab"));
        assert_ne!(fold("é"), fold("e"));
    }

    #[test]
    fn folding_a_folded_character_changes_nothing() {
        let changed: Vec<_> =
            (char::MIN..=char::MAX).filter(|c| fold(&fold(&c.to_string())) != fold(&c.to_string())).collect();
        assert_eq!(changed, []);
    }

    #[test]
    fn a_search_finds_all_its_words_in_any_order() {
        let search = Search::parse(" LAMP  Brass ").unwrap().unwrap();
        assert_eq!(search.words(), ["lamp", "brass"]);
        assert!(search.matches(&fold("A brass table lamp")));
        assert!(!search.matches(&fold("A brass table")));
        assert_eq!(Search::parse("  ").unwrap(), None);
        assert!(Search::parse("1 2 3 4 5 6 7 8").is_ok() && Search::parse("1 2 3 4 5 6 7 8 9").is_err());
        assert!(Search::parse(&"x".repeat(201)).is_err());
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in ".{0,30}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(text in "\\PC{0,30}") {
            if let Ok(once) = clean(&text, Lines::One, 0, 30) {
                prop_assert_eq!(clean(&once, Lines::One, 0, 30).unwrap(), once);
            }
        }

        #[test]
        fn a_text_is_found_by_each_of_its_words(text in "[a-zA-ZäÄßẞİı ]{1,20}") {
            if let Some(search) = Search::parse(&text).unwrap() {
                prop_assert!(search.matches(&fold(&text)));
            }
        }
    }
}
