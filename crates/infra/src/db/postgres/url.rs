//! What is added to the URL of a server, where whoever wrote it has said nothing about it.

/// A server that is gone without a word (its machine stopped, the network was cut) is noticed within seconds. libpq would
/// wait for the operating system, which takes minutes to hours.
const TENDED: &[(&str, &str)] = &[
    ("connect_timeout", "3"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "3"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
];

const SESSION: &str = "target_session_attrs";

/// To a server that is noticed when it goes.
pub(super) fn tended(url: &str) -> String {
    with(url, TENDED)
}

/// To the one of the named servers that can be written to: on a standby, accounts and sessions are what they were. It is
/// enough to ask when the connection is made, since no server becomes a standby without ending its connections.
pub(super) fn primary(url: &str) -> String {
    with(url, &[(SESSION, "read-write")])
}

pub(in crate::db) fn may_reach_a_standby(url: &str) -> bool {
    parameters(url)
        .filter(|(name, _)| *name == SESSION)
        .any(|(_, wanted)| !matches!(wanted, "read-write" | "primary"))
}

/// Whether the connection may be to one of several.
pub(super) fn names_several_hosts(url: &str) -> bool {
    let hosts = after_user(url).split(['/', '?']).next().unwrap_or_default();
    let listed = |hosts: &str| hosts.contains(',') || hosts.to_ascii_lowercase().contains("%2c");
    listed(hosts) || parameters(url).any(|(name, hosts)| name.starts_with("host") && listed(hosts))
}

/// What stands behind user and password, in which a question mark is a letter like others.
fn after_user(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match rest.split_once('@') {
        Some((user, rest)) if !user.contains('/') => rest,
        _ => rest,
    }
}

fn parameters(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = after_user(url).split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|parameter| parameter.split_once('='))
}

fn with(url: &str, defaults: &[(&str, &str)]) -> String {
    let mut url = url.to_owned();
    for (name, value) in defaults {
        if !parameters(&url).any(|(other, _)| other == *name) {
            let joint = if after_user(&url).contains('?') { '&' } else { '?' };
            url = format!("{url}{joint}{name}={value}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_url_says_itself_stays() {
        assert_eq!(primary("postgres://h/d"), "postgres://h/d?target_session_attrs=read-write");
        let own = "postgres://h/d?target_session_attrs=primary&x=1";
        assert_eq!(primary(own), own);
        let tended = tended("postgres://u:p@h1:1,h2:2/d?connect_timeout=9");
        let expected = "postgres://u:p@h1:1,h2:2/d?connect_timeout=9&keepalives_idle=10&keepalives_interval=3\
                        &keepalives_count=3&tcp_user_timeout=10000";
        assert_eq!(tended, expected);
    }

    #[test]
    fn a_question_mark_in_a_password_begins_no_query() {
        assert_eq!(with("postgres://u:p?x@h/d", &[("a", "1")]), "postgres://u:p?x@h/d?a=1");
        assert!(names_several_hosts("postgres://u:p?x@h1,h2/d"));
        assert!(!names_several_hosts("postgres://u:p?x,y@h/d"));
    }

    #[test]
    fn several_hosts_are_seen_wherever_a_url_has_them() {
        for several in [
            "postgres://h1,h2/d",
            "postgres://u:p@h1:1,h2:2/d",
            "postgres://u@/d?host=%2Ftmp%2Fa%2C%2Ftmp%2Fb",
            "postgres:///d?host=a,b",
            "postgres:///d?hostaddr=10.0.0.1,10.0.0.2",
        ] {
            assert!(names_several_hosts(several), "{several}");
        }
        for one in ["postgres://h/a,b", "postgres://u:a,b@h/d", "postgres:///d?host=a&application_name=x,y"] {
            assert!(!names_several_hosts(one), "{one}");
        }
    }

    #[test]
    fn only_servers_that_can_be_written_to_are_asked_for() {
        for wrong in ["any", "standby", "prefer-standby", "read-only"] {
            assert!(may_reach_a_standby(&format!("postgres://h/d?target_session_attrs={wrong}")), "{wrong}");
        }
        for right in ["postgres://h/d", "postgres://h/d?target_session_attrs=read-write"] {
            assert!(!may_reach_a_standby(right), "{right}");
        }
    }
}
