//! The parts that pages are made of.

use crate::form::Draft;
use crate::page::Frame;
use crate::show::{capital, spoken};
use haat_domain::page::Cursor;
use maud::{Markup, Render, html};

/// A field of a form: a label, an input with what was typed, and beside it what is wrong with that.
pub(crate) struct Input<'a> {
    draft: &'a Draft,
    name: &'a str,
    label: &'a str,
    kind: Kind<'a>,
    hint: Option<&'a str>,
    required: bool,
    auto: &'a str,
    max: Option<u32>,
    min: Option<i64>,
    affix: Option<&'a str>,
    list: Option<&'a str>,
    quiet: bool,
}

enum Kind<'a> {
    /// One line of this type.
    Line(&'a str),
    /// A number as people type it: a phone shows digits.
    Amount,
    /// Several lines.
    Text,
    /// One of these: value and name.
    Choice(Vec<(String, String)>),
    /// Yes or no.
    Check,
}

impl<'a> Input<'a> {
    const fn new(draft: &'a Draft, name: &'a str, label: &'a str, kind: Kind<'a>) -> Self {
        Self {
            draft,
            name,
            label,
            kind,
            hint: None,
            required: false,
            auto: "off",
            max: None,
            min: None,
            affix: None,
            list: None,
            quiet: false,
        }
    }

    pub(crate) const fn text(draft: &'a Draft, name: &'a str, label: &'a str) -> Self {
        Self::new(draft, name, label, Kind::Line("text"))
    }

    pub(crate) const fn password(draft: &'a Draft, name: &'a str, label: &'a str) -> Self {
        Self::new(draft, name, label, Kind::Line("password"))
    }

    pub(crate) const fn email(draft: &'a Draft, name: &'a str, label: &'a str) -> Self {
        Self::new(draft, name, label, Kind::Line("email"))
    }

    pub(crate) const fn search(draft: &'a Draft, name: &'a str, label: &'a str) -> Self {
        Self::new(draft, name, label, Kind::Line("search"))
    }

    pub(crate) const fn date(draft: &'a Draft, name: &'a str, label: &'a str) -> Self {
        Self::new(draft, name, label, Kind::Line("date"))
    }

    pub(crate) const fn number(draft: &'a Draft, name: &'a str, label: &'a str) -> Self {
        Self::new(draft, name, label, Kind::Line("number"))
    }

    pub(crate) const fn amount(draft: &'a Draft, name: &'a str, label: &'a str) -> Self {
        Self::new(draft, name, label, Kind::Amount)
    }

    pub(crate) const fn lines(draft: &'a Draft, name: &'a str, label: &'a str) -> Self {
        Self::new(draft, name, label, Kind::Text)
    }

    pub(crate) const fn check(draft: &'a Draft, name: &'a str, label: &'a str) -> Self {
        Self::new(draft, name, label, Kind::Check)
    }

    pub(crate) fn choice<V: ToString, N: ToString>(
        draft: &'a Draft,
        name: &'a str,
        label: &'a str,
        choices: impl IntoIterator<Item = (V, N)>,
    ) -> Self {
        let choices =
            choices.into_iter().map(|(value, name)| (value.to_string(), name.to_string())).collect();
        Self::new(draft, name, label, Kind::Choice(choices))
    }

    pub(crate) fn hint(self, hint: &'a str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(crate) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// What the browser may fill in (HTML's `autocomplete`).
    pub(crate) fn auto(self, auto: &'a str) -> Self {
        Self { auto, ..self }
    }

    /// The most characters.
    pub(crate) fn max(self, max: u32) -> Self {
        Self { max: Some(max), ..self }
    }

    /// The smallest number.
    pub(crate) fn min(self, min: i64) -> Self {
        Self { min: Some(min), ..self }
    }

    /// What stands before the number: a currency's symbol.
    pub(crate) fn affix(self, affix: &'a str) -> Self {
        Self { affix: Some(affix), ..self }
    }

    /// The list of suggestions with this id.
    pub(crate) fn list(self, list: &'a str) -> Self {
        Self { list: Some(list), ..self }
    }

    /// With a label that is heard and not seen, where a column's head says the same.
    pub(crate) fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    fn control(&self, id: &str, described: Option<&str>, faulty: bool) -> Markup {
        let typed = self.draft.typed.get(self.name);
        let invalid = faulty.then_some("true");
        let line = |kind: &str, mode: Option<&str>| {
            // What was typed as a password is not sent back.
            let value = if kind == "password" { "" } else { typed };
            html! {
                input id=(id) name=(self.name) type=(kind) value=(value) autocomplete=(self.auto) inputmode=[mode]
                    required[self.required] maxlength=[self.max] min=[self.min] list=[self.list]
                    aria-invalid=[invalid] aria-describedby=[described];
            }
        };
        let control = match &self.kind {
            Kind::Line(kind) => line(kind, None),
            Kind::Amount => line("text", Some("decimal")),
            Kind::Text => html! {
                textarea id=(id) name=(self.name) rows="6" required[self.required] maxlength=[self.max]
                    aria-invalid=[invalid] aria-describedby=[described] { "\n" (typed) }
            },
            Kind::Choice(choices) => html! {
                select id=(id) name=(self.name) autocomplete=(self.auto) required[self.required] aria-invalid=[invalid] aria-describedby=[described] {
                    @for (value, name) in choices { option value=(value) selected[value == typed] { (name) } }
                }
            },
            Kind::Check => html! {
                input id=(id) name=(self.name) type="checkbox" value="true" checked[typed == "true"]
                    aria-invalid=[invalid] aria-describedby=[described];
            },
        };
        match self.affix {
            Some(affix) => html! { div.affix { span aria-hidden="true" { (affix) } (control) } },
            None => control,
        }
    }
}

impl Render for Input<'_> {
    fn render(&self) -> Markup {
        let id = format!("field-{}", self.name);
        let (hint_id, fault_id) = (format!("{id}-hint"), format!("{id}-fault"));
        let faults = self.draft.faults(self.name);
        let faulty = !faults.is_empty();
        let described: Vec<_> = [self.hint.map(|_| hint_id.as_str()), faulty.then_some(fault_id.as_str())]
            .into_iter()
            .flatten()
            .collect();
        let described = Some(described.join(" ")).filter(|ids| !ids.is_empty());
        let check = matches!(self.kind, Kind::Check);
        let control = self.control(&id, described.as_deref(), faulty);
        let label = html! {
            label.sr[self.quiet] for=(id) { (self.label) @if self.required { span.needed aria-hidden="true" { " *" } } }
        };
        html! {
            div.field.faulty[faulty].check[check] {
                @if check { (control) (label) } @else { (label) (control) }
                @if let Some(hint) = self.hint { p.hint id=(hint_id) { (hint) } }
                @if faulty { p.fault id=(fault_id) { (crate::failure::sentence(&faults.join("; "))) } }
            }
        }
    }
}

/// What is wrong with a form altogether, and how many fields are at fault.
pub(crate) fn problem(draft: &Draft) -> Markup {
    let faulty: Vec<_> = draft.errors.iter().collect();
    html! {
        @if draft.problem.is_some() || !faulty.is_empty() {
            div.problems role="alert" tabindex="-1" {
                h2 { "That did not work" }
                @if let Some(problem) = &draft.problem { p { (problem) } }
                @if !faulty.is_empty() {
                    ul {
                        @for (field, faults) in faulty {
                            li { a href={ "#field-" (field) } { (capital(&spoken(field))) } " " (faults.join("; ")) }
                        }
                    }
                }
            }
        }
    }
}

/// A state or a role, as a coloured word.
pub(crate) fn badge(name: &str) -> Markup {
    html! { span.badge.(name) { (name) } }
}

/// What stands on top of a page: where it belongs, its title, and what can be done.
pub(crate) fn head(frame: &Frame, back: Option<(&str, &str)>, title: &str, actions: &Markup) -> Markup {
    html! {
        div.head {
            div {
                @if let Some((path, name)) = back { p.crumb { a href=(frame.at(path)) { "← " (name) } } }
                h1 { (title) }
            }
            div.actions { (actions) }
        }
    }
}

/// A page with nothing on it says what to do.
pub(crate) fn empty(title: &str, text: &str, action: &Markup) -> Markup {
    html! { div.empty { h2 { (title) } p { (text) } (action) } }
}

/// What stands in the place of a list with nothing in it: what was asked for cannot be understood, the pages are at
/// their end, nothing was found, or there is nothing `yet`.
pub(crate) fn nothing(frame: &Frame, draft: &Draft, things: &str, yet: &Markup) -> Markup {
    let all = html! { a.button href=(frame.at(&frame.sight.path)) { "Show all " (things) } };
    if !draft.errors.is_empty() {
        empty("Nothing was looked for", "What was asked for cannot be understood; it is told above.", &all)
    } else if is_later(frame) {
        empty("Nothing further", "The list ended on an earlier page.", &first_page(frame))
    } else if draft.typed.is_plain() {
        html! { (yet) }
    } else {
        empty(&format!("No such {things}"), "There is no match for what you are looking for.", &all)
    }
}

/// Whether this is not the first page of a list.
fn is_later(frame: &Frame) -> bool {
    form_urlencoded::parse(frame.sight.query.as_bytes()).any(|(name, _)| name == "cursor")
}

fn first_page(frame: &Frame) -> Markup {
    let here = frame.at(&frame.sight.path);
    html! { a.button href=(address(&here, &frame.sight.query, None, &[])) { "« First page" } }
}

/// The way to the next page, and back to the first.
pub(crate) fn pager(frame: &Frame, next: Option<&Cursor>) -> Markup {
    let query = &frame.sight.query;
    let later = is_later(frame);
    let here = frame.at(&frame.sight.path);
    html! {
        @if later || next.is_some() {
            nav.pager aria-label="Pages" {
                @if later { (first_page(frame)) }
                @if let Some(next) = next {
                    a.button rel="next" href=(address(&here, query, Some(next), &[])) { "Next page »" }
                }
            }
        }
    }
}

/// The same page with another cursor (none: the first page), and other members of its query.
pub(crate) fn address(here: &str, query: &str, cursor: Option<&Cursor>, other: &[(&str, &str)]) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "cursor" && !value.is_empty() && !other.iter().any(|(known, _)| *known == name) {
            out.append_pair(&name, &value);
        }
    }
    for (name, value) in other {
        out.append_pair(name, value);
    }
    if let Some(cursor) = cursor {
        out.append_pair("cursor", &cursor.to_string());
    }
    let query = out.finish();
    if query.is_empty() { here.to_owned() } else { format!("{here}?{query}") }
}

/// The head of a column that the list can be sorted by.
pub(crate) fn sortable(frame: &Frame, ordering: &str, key: &str, name: &str, class: Option<&str>) -> Markup {
    let down = format!("-{key}");
    let (sorted, other) = match ordering {
        up if up == key => (Some("ascending"), down.as_str()),
        now if now == down => (Some("descending"), key),
        _ => (None, key),
    };
    let here = frame.at(&frame.sight.path);
    let place = address(&here, &frame.sight.query, None, &[("ordering", other)]);
    html! { th scope="col" class=[class] aria-sort=[sorted] { a href=(place) { (name) } } }
}

/// A form that is one button.
pub(crate) fn press(frame: &Frame, path: &str, name: &str, class: &str, hidden: &[(&str, &str)]) -> Markup {
    html! {
        form method="post" action=(frame.at(path)) {
            (frame.token())
            @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
            button class={ "button " (class) } type="submit" { (name) }
        }
    }
}

/// A question before something that cannot be undone.
pub(crate) struct Question<'a> {
    /// What the page and its heading are called.
    pub(crate) title: &'a str,
    /// What will be so afterwards.
    pub(crate) text: &'a str,
    /// What the button that does it says.
    pub(crate) yes: &'a str,
    /// Where it is done, and where the doubtful go.
    pub(crate) path: &'a str,
    pub(crate) back: &'a str,
    pub(crate) hidden: &'a [(&'a str, &'a str)],
}

impl Question<'_> {
    pub(crate) fn ask(&self, frame: &Frame, draft: &Draft) -> Markup {
        html! {
            (head(frame, None, self.title, &html! {}))
            (problem(draft))
            section.card.narrow {
                p { (self.text) }
                form.form method="post" action=(frame.at(self.path)) {
                    (frame.token())
                    @for (name, value) in self.hidden { input type="hidden" name=(name) value=(value); }
                    div.buttons {
                        button.button.danger type="submit" { (self.yes) }
                        a.button href=(frame.at(self.back)) { "No, go back" }
                    }
                }
            }
        }
    }
}
