use super::*;
use std::io::{Seek, SeekFrom};

/// A file, and databases to refuse it.
fn scene() -> (Vec<u8>, Vec<TestDatabase>) {
    let from = TestDatabase::new(Engine::Sqlite).unwrap();
    let shop = furnish(&from);
    let file = file_of(&from, shop.tenant.slug.as_str());
    (file, ENGINES.into_iter().filter_map(TestDatabase::new).collect())
}

#[test]
fn a_file_that_was_cut_off_or_changed_is_refused_before_anything_is_done() {
    let (file, _) = scene();
    let verify = |file: &[u8]| StoreFile::verify(Cursor::new(file)).map(drop);
    verify(&file).unwrap();
    for length in (0..file.len()).step_by(37).chain([file.len() - 1]) {
        refusal(verify(&file[..length]));
    }
    // The header of gzip has bytes that mean nothing: a time and a system.
    for position in (10..file.len()).step_by(29) {
        for bit in [0, 7] {
            let mut flipped = file.clone();
            flipped[position] ^= 1 << bit;
            let text = refusal(verify(&flipped));
            assert!(
                text.contains("damaged or cut off") || text.contains("no exported store"),
                "{position}: {text}"
            );
        }
    }
    let text = lines(&file).join("\n");
    assert!(refusal(verify(&packed(text.as_bytes()))).contains("ends in the middle"));
    assert!(refusal(verify(&packed((text + "\n").as_bytes()))).contains("ends in the middle"));
    for behind in [&b"x"[..], &file, &packed(b"{}\n")] {
        let longer = [&file, behind].concat();
        assert!(refusal(verify(&longer)).contains("something follows behind the checksum"));
    }
}

#[test]
fn what_is_no_exported_store_is_refused() {
    let verify = |file: &[u8]| refusal(StoreFile::verify(Cursor::new(file)).map(drop));
    for foreign in
        [&b""[..], b"hello", b"{\"haat\":{}}\n", b"SQLite format 3\0", &packed(b"hello\n"), &packed(b"[]\n")]
    {
        assert_eq!(verify(foreign), "this is no exported store");
    }
    assert!(verify(&packed(b"")).contains("ends in the middle"));
    // Nobody's memory is filled by a line without an end.
    assert!(verify(&packed(&vec![b'x'; 17 << 20])).contains("too long"));
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let (file, _) = scene();
    let newer = |from: &str, to: &str| {
        let mut lines = lines(&file);
        assert!(lines[0].contains(from));
        lines[0] = lines[0].replace(from, to);
        refusal(StoreFile::verify(Cursor::new(sealed(&lines))).map(drop))
    };
    for text in [
        newer("\"format\":1,\"program\":\"", "\"format\":2,\"other\":[],\"program\":\"9."),
        newer("\"0003_panel\"]", "\"0003_panel\",\"9999_later\"]"),
    ] {
        assert!(text.contains("which is newer than this program"), "{text}");
    }
    assert!(newer("{\"id\":2,", "{\"id\":0,").contains("begins at 1"));
    assert!(newer("{\"id\":2,", "{\"id\":2,\"plan\":\"gold\",").contains("unknown field"));
}

#[test]
fn a_sealed_file_that_says_what_cannot_be_is_refused_whole() {
    let (file, databases) = scene();
    let row = |prefix: &str| lines(&file).iter().position(|line| line.starts_with(prefix)).unwrap();
    let (user, product, order) = (row("{\"users\""), row("{\"products\""), row("{\"orders\""));
    let (line, entry, head) = (row("{\"order_lines\""), row("{\"audit_log\""), row("{\"audit_heads\""));
    let edit = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines(&file);
        change(&mut lines);
        assert_ne!(sealed(&lines), file);
        sealed(&lines)
    };
    let replace = |at: usize, from: &'static str, to: &'static str| {
        edit(&move |lines: &mut Vec<String>| lines[at] = lines[at].replacen(from, to, 1))
    };
    let cases = [
        (edit(&|lines| drop(lines.remove(line))), "as many rows as it says"),
        (edit(&|lines| lines.insert(product, lines[product].clone())), ""),
        (edit(&|lines| drop(lines.remove(user))), ""),
        (edit(&|lines| lines[line] = "{\"tenants\":{}}".to_owned()), "unknown variant `tenants`"),
        (edit(&|lines| lines[line] = "{\"login_names\":{}}".to_owned()), "unknown variant"),
        (edit(&|lines| lines[line] = "hello".to_owned()), "line"),
        (replace(user, "{\"users\":{", "{\"users\":{\"tenant_id\":1,"), "unknown field `tenant_id`"),
        (replace(user, "\"role\":\"owner\"", "\"role\":\"superuser\""), ""),
        (replace(product, "\"id\":", "\"id\":1.5,\"x\":"), "damaged"),
        (replace(product, "\"id\":", "\"id\":9007199254740993,\"was\":"), "unknown field `was`"),
        (replace(order, "\"customer_id\":", "\"customer_id\":99"), ""),
        (replace(order, "T", " "), "RFC 3339"),
        (replace(line, "\"line_total_minor\":", "\"line_total_minor\":1"), ""),
        (replace(entry, "\"actor_name\":\"", "\"actor_name\":\"x"), "entry 1 is not as it was written"),
        (edit(&|lines| drop(lines.remove(entry))), "entry 1 is missing"),
        (edit(&|lines| drop(lines.remove(head - 1))), "is not the last one"),
        (edit(&|lines| drop(lines.remove(head))), "is not the last one"),
    ];
    for (number, (bad, why)) in cases.iter().enumerate() {
        for database in &databases {
            let text = refusal(take(database, bad));
            assert!(text.contains(why), "{number}: {text}");
            assert_eq!(stores(database), [""; 0], "{number}");
            let names = database.connect().lines("SELECT name FROM store_names").unwrap();
            assert_eq!(names, [""; 0], "{number}");
        }
    }
    for database in &databases {
        take(database, &file).expect("the good one is taken after all that");
        let users = TestShop::open(database.store(), "Later", "INR").owner.user.id;
        assert!(users.get() < 100, "what was refused has moved no sequence");
    }
}

#[test]
fn a_disk_that_fails_in_the_middle_leaves_nothing() {
    /// Reads the whole file once, and a part of it the second time.
    struct Failing(Cursor<Vec<u8>>, bool);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let short = buffer.len().min(512);
            if self.1 && self.0.position() > 3000 {
                return Err(std::io::Error::other("the disk is gone"));
            }
            self.0.read(&mut buffer[..short])
        }
    }
    impl Seek for Failing {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.1 = true;
            self.0.seek(to)
        }
    }
    let (file, databases) = scene();
    for database in &databases {
        let file = StoreFile::verify(Failing(Cursor::new(file.clone()), false)).unwrap();
        let text = refusal(import(database.url(), database.options(), file, &mut |_, _| ()));
        assert_eq!(text, "the disk is gone");
        assert_eq!(stores(database), [""; 0]);
    }
}

#[test]
fn a_store_that_is_not_there_or_not_all_known_is_not_written() {
    for engine in ENGINES {
        let Some(database) = TestDatabase::new(engine) else { continue };
        let shop = furnish(&database);
        assert_eq!(refusal(written(&database, "nobody")), "there is no store called nobody");
        assert_eq!(refusal(written(&database, "")), "there is no store called ");
        let add = "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')";
        database.connect().run(add).unwrap();
        let text = refusal(written(&database, shop.tenant.slug.as_str()));
        assert!(text.contains("unavailable"), "{text}");
        let file = sealed(&lines(&file_of(
            &{
                let whole = TestDatabase::new(Engine::Sqlite).unwrap();
                furnish(&whole);
                whole
            },
            shop.tenant.slug.as_str(),
        )));
        assert!(refusal(take(&database, &file)).contains("unavailable"));
    }
}
