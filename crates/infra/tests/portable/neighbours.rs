use super::*;

#[test]
fn nothing_of_another_store_is_in_a_file() {
    for engine in ENGINES {
        let Some(database) = TestDatabase::new(engine) else { continue };
        let shop = furnish(&database);
        TestPlatform::open(database.store());
        let mine = lines(&file_of(&database, shop.tenant.slug.as_str())).join("\n");
        let theirs = lines(&file_of(&database, "neighbour-sons")).join("\n");
        assert!(theirs.contains("Secret of the neighbour") && !theirs.contains("Bazaar"));
        assert!(mine.contains("Bazaar") && mine.contains("DROP TABLE"));
        for foreign in ["eighbour &", "neighbour-sons", "Secret", "EUR", "superuser", "admin@example.com"] {
            assert!(!mine.contains(foreign), "{foreign}");
        }
        assert!(!mine.contains("tenant_id"), "no line says whose it is");
    }
}

#[test]
fn a_number_or_a_name_that_is_taken_is_refused_and_nothing_is_done() {
    let from = TestDatabase::new(Engine::Sqlite).unwrap();
    let shop = furnish(&from);
    let file = file_of(&from, shop.tenant.slug.as_str());
    for engine in ENGINES {
        let Some(to) = TestDatabase::new(engine) else { continue };
        TestShop::open(to.store(), "First", "INR");
        TestShop::open(to.store(), "Second", "INR");
        let before = file_of(&to, "second");
        let text = refusal(take(&to, &file));
        assert!(text.contains("cannot be made here: the number 2 is that of Second"), "{text}");
        let mut renumbered = lines(&file);
        renumbered[0] = renumbered[0].replace("\"store\":{\"id\":2", "\"store\":{\"id\":9");
        let text = refusal(take(&to, &sealed(&renumbered)));
        assert!(text.contains("audit log does not verify: entry 1 is not"), "links name their store: {text}");
        for taken in ["Bazaar \"of\" Ⅷ \\ Ñandú", "BAZAAR of VIII ñandú"] {
            let Some(to) = TestDatabase::new(engine) else { continue };
            TestShop::open(to.store(), taken, "INR");
            let text = refusal(take(&to, &file));
            assert!(
                text.contains("cannot be made here: store 1, ") && text.contains("its name or slug"),
                "{text}"
            );
            assert_eq!(stores(&to).len(), 1);
        }
        assert_eq!(stores(&to), ["first", "second"]);
        assert_eq!(file_of(&to, "second"), before);
    }
}

#[test]
fn usernames_lead_to_the_new_store_unless_somebody_was_first() {
    for engine in ENGINES {
        let (Some(from), Some(to)) = (TestDatabase::new(Engine::Sqlite), TestDatabase::new(engine)) else {
            continue;
        };
        let shop = furnish(&from);
        shop.join("third").unwrap();
        // Its number must be another one than that of the store that is coming.
        TestShop::open(to.store(), "Local", "INR");
        take(&to, &file_of(&from, shop.tenant.slug.as_str())).unwrap();
        let claims = "SELECT username_key || ' ' || CAST(tenant_id AS text) FROM login_names ORDER BY 1";
        let claims = to.connect().lines(claims).unwrap();
        assert_eq!(claims, ["customer 1", "neighbour 1", "owner 1", "staff 1", "third 2"]);
    }
}
