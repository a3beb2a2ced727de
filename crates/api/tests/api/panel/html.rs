//! As much of HTML as the panel writes.

use std::collections::BTreeMap;

/// A start tag.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) name: String,
    attributes: BTreeMap<String, String>,
    /// What follows up to the next tag.
    pub(super) text: String,
    /// Whether it ends something.
    pub(super) ends: bool,
}

impl Tag {
    pub(super) fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The tags of a page in their order.
pub(super) fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        // A `>` in an attribute's value is written as `&gt;`.
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        let text = after.split('<').next().unwrap_or_default();
        let ends = tag.starts_with('/');
        let tag = tag.trim_start_matches('/');
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        tags.push(Tag {
            name: name.to_owned(),
            attributes: attributes_of(attributes),
            text: plain(text),
            ends,
        });
        rest = after;
    }
    tags
}

fn attributes_of(mut text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    loop {
        text = text.trim_start();
        let end = text.find([' ', '=']).unwrap_or(text.len());
        let (name, after) = text.split_at(end);
        if name.is_empty() {
            return found;
        }
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => ("", after),
        };
        found.insert(name.to_owned(), plain(value));
        text = after;
    }
}

/// The main part of a page.
pub(super) fn main(page: &str) -> &str {
    page.find("<main").and_then(|start| page.get(start..)).expect("a main part")
}

/// A section of a page, by its heading.
#[track_caller]
pub(super) fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("<h2>{heading}</h2>")).and_then(|start| page.get(start..));
    let start = start.unwrap_or_else(|| panic!("nothing is headed {heading:?} on {}", words(page)));
    start.split("</section>").next().unwrap()
}

/// What somebody reads in a part of a page, with one blank between any two words.
pub(super) fn words(part: &str) -> String {
    let read: Vec<_> = tags(part).into_iter().map(|tag| tag.text).collect();
    read.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The cells of each row in the bodies of a part's tables.
pub(super) fn rows(part: &str) -> Vec<Vec<String>> {
    let bodies = part.split("<tbody>").skip(1).filter_map(|rest| rest.split("</tbody>").next());
    let rows = bodies.flat_map(|body| body.split("</tr>").filter(|row| row.contains("<tr")));
    let cells = |row: &str| -> Vec<_> {
        let row = row.replace("</th>", "</td>");
        row.split("</td>").filter(|cell| cell.contains("<t")).map(words).collect()
    };
    rows.map(cells).collect()
}

/// The links of a part: where they lead, without the panel's own path, by what they are called.
pub(super) fn links(part: &str) -> Vec<(String, String)> {
    let tags = tags(part);
    let to = |tag: &Tag| tag.get("href").and_then(|to| to.strip_prefix("/admin")).map(str::to_owned);
    let links = tags.iter().filter(|tag| tag.name == "a" && !tag.ends);
    links.filter_map(|tag| Some((tag.text.trim().to_owned(), to(tag)?))).collect()
}

/// Where the link of that name leads.
#[track_caller]
pub(super) fn link(part: &str, name: &str) -> String {
    let found = links(part).into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no link is called {name:?} on {}", words(part))).1
}

/// What the form for this address would send as it stands; `None`, if there is no such form.
pub(super) fn form(page: &str, action: &str) -> Option<Vec<(String, String)>> {
    let tags = tags(page);
    let start =
        tags.iter().position(|tag| tag.name == "form" && !tag.ends && tag.get("action") == Some(action))?;
    let mut fields = Vec::new();
    let mut choice = String::new();
    for tag in
        tags.iter().skip(start).take_while(|tag| !(tag.name == "form" && tag.ends)).filter(|tag| !tag.ends)
    {
        let (name, value) = (tag.get("name").unwrap_or_default(), tag.get("value").unwrap_or_default());
        match tag.name.as_str() {
            "input" if tag.get("type") == Some("checkbox") && tag.get("checked").is_none() => {}
            "input" if tag.get("type") == Some("file") => {}
            "input" if !name.is_empty() => fields.push((name.to_owned(), value.to_owned())),
            "textarea" => fields.push((name.to_owned(), tag.text.trim_start_matches('\n').to_owned())),
            "select" => name.clone_into(&mut choice),
            "option" if tag.get("selected").is_some() => fields.push((choice.clone(), value.to_owned())),
            _ => {}
        }
    }
    Some(fields)
}

/// What in a page would run or style without a file of its own: the content security policy would stop it.
pub(super) fn inline(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tag in tags(page).iter().filter(|tag| !tag.ends) {
        let script = tag.name == "script" && (tag.get("src").is_none() || !tag.text.trim().is_empty());
        if script || tag.name == "style" || tag.name == "base" {
            found.push(tag.name.clone());
        }
        for (name, value) in tag.attributes() {
            let code = value.trim_start().to_lowercase().starts_with("javascript:");
            // A drawing inside the page may say how it looks by attributes, but not by `style`.
            if name == "style" || name.starts_with("on") || code {
                found.push(format!("{} {name}={value}", tag.name));
            }
        }
    }
    found
}

/// Every address that a page names.
pub(super) fn addresses(page: &str) -> Vec<String> {
    let named = |tag: &Tag| {
        let of = ["href", "src", "action", "formaction", "poster", "data", "srcset"];
        of.iter().filter_map(|name| tag.get(name)).map(str::to_owned).collect::<Vec<_>>()
    };
    tags(page).iter().flat_map(named).collect()
}

#[test]
fn a_form_is_read_as_a_browser_would_send_it() {
    let page = r#"<form action="/x/"><input type="hidden" name="a" value="1 &amp; &quot;2&quot;"><textarea name="t">
line</textarea><select name="s"><option value="1">1</option><option value="2" selected>2</option></select>
<input type="checkbox" name="c" value="true"><input type="checkbox" name="d" value="true" checked></form><input name="no">"#;
    let wanted = [("a", "1 & \"2\""), ("t", "line"), ("s", "2"), ("d", "true")];
    let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form(page, "/x/").unwrap(), wanted);
    assert_eq!(form(page, "/y/"), None);
}

#[test]
fn a_page_is_read_as_people_read_it() {
    let page = r#"<title>T</title><main><h2>One</h2><a href="/admin/x/?a=1&amp;b=2">There </a></section><h2>Two</h2>
<table><tbody><tr><td><label><b>a</b></label></td><th>b
 c</th></tr><tr><td></td></tr></tbody></table></section>"#;
    assert_eq!(words(section(page, "One")), "One There");
    assert_eq!(words(main(page)), "One There Two a b c");
    assert_eq!(rows(section(page, "Two")), [vec!["a", "b c"], vec![""]]);
    assert_eq!(links(page), [("There".to_owned(), "/x/?a=1&b=2".to_owned())]);
}

#[test]
fn what_a_policy_would_stop_is_found() {
    assert!(inline("<p>a</p><script src=\"/x.js\" type=\"module\"></script>").is_empty());
    for bad in [
        "<script>1</script>",
        "<p style=\"x\">",
        "<a onclick=\"x\">",
        "<a href=\"javascript:x\">",
        "<style>p{}",
    ] {
        assert_eq!(inline(bad).len(), 1, "{bad}");
    }
}
