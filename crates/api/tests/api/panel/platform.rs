//! What a platform admin does to stores, and what becomes of their people.

use super::html::{main, rows, section, words};
use super::visitor::Visitor;
use crate::support::World;

cases! {
    the_people_of_a_suspended_store_are_turned_away_until_it_is_opened_again,
    a_store_is_opened_entered_and_given_an_owner,
    a_store_is_renamed_unless_somebody_else_has,
    stores_are_found_by_name_and_state,
    a_store_tells_how_much_it_holds,
    the_admins_are_listed_and_the_database_is_asked,
}

fn operator(world: &World) -> Visitor {
    world.admin();
    world.panel("admin", "")
}

fn the_people_of_a_suspended_store_are_turned_away_until_it_is_opened_again(world: &World) {
    let (shop, other) = (world.open("Alpha"), world.open("Beta"));
    let admin = operator(world);
    let names = [&shop.owner.username, &shop.staff.username];
    let inside = names.map(|name| world.panel(name, "Alpha"));
    let neighbour = world.panel(&other.owner.username, "Beta");
    let store = format!("/platform/tenants/{}/", shop.id);
    let suspend = format!("{store}suspend/");
    let done = admin.fill_in(&suspend, &suspend, &[]).must(303);
    let page = admin.follow(&done).must(200).text;
    assert!(
        page.contains("The store is suspended") && words(main(&page)).contains("Status suspended"),
        "{page}"
    );
    for (name, before) in names.into_iter().zip(&inside) {
        assert!(before.get("/orders/").must(303).place().contains("why=store_suspended"), "{name}");
        let door = world.visitor().sign_in(name, crate::support::PASSWORD, "Alpha").must(403);
        assert!(door.text.contains("This store is suspended."), "{}", door.text);
    }
    shop.customer.get("/api/products/").refused(401, "store_suspended");
    assert!(neighbour.is_in());
    admin.fill_in(&store, &format!("{store}resume/"), &[]).must(303);
    assert!(words(main(&admin.get(&store).must(200).text)).contains("Status active"));
    for (name, before) in names.into_iter().zip(&inside) {
        assert!(before.is_in() && world.panel(name, "Alpha").is_in(), "{name}");
    }
    shop.customer.get("/api/products/").must(200);
}

fn a_store_is_opened_entered_and_given_an_owner(world: &World) {
    world.open("Alpha");
    let admin = operator(world);
    let wish = [("name", "Gamma Goods"), ("currency", "EUR")];
    let made = admin.fill_in("/platform/tenants/new/", "/platform/tenants/new/", &wish).must(303);
    let store = made.place().strip_prefix("/admin").unwrap().to_owned();
    let page = admin.get(&store).must(200).text;
    let about = words(section(&page, "About"));
    assert!(about.contains("In addresses gamma-goods") && about.contains("Currency EUR"), "{about}");
    let taken = [("name", "Alpha"), ("currency", "EUR")];
    let refused = admin.fill_in("/platform/tenants/new/", "/platform/tenants/new/", &taken).must(400);
    assert!(words(main(&refused.text)).contains("Is taken: choose another."), "{}", refused.text);

    let entered = admin.fill_in(&store, &format!("{store}enter/"), &[]).must(303);
    assert!(
        words(&admin.follow(&entered).must(200).text).contains("You are in Gamma Goods as a platform admin.")
    );
    let owner = [("email", "first@example.com"), ("role", "owner")];
    let invited =
        words(main(&admin.fill_in("/invitations/new/", "/invitations/new/", &owner).must(201).text));
    let link = invited.split(' ').find(|word| word.contains("/join/?token=")).unwrap().to_owned();
    admin.fill_in("/invitations/", "/platform/leave/", &[]).must(303);
    admin.get("/invitations/").must(403);

    let first = world.visitor();
    let own = [("email", "first@example.com"), ("username", "first"), ("password", "a wall of 8 bricks")];
    first.fill_in(link.split_once("/admin").unwrap().1, "/join/", &own).must(303);
    first.sign_in("first", "a wall of 8 bricks", "").must(303);
    let log = rows(&first.get("/audit/").must(200).text);
    let told: Vec<_> = log.iter().map(|row| (row[2].as_str(), row[3].as_str())).collect();
    for what in ["tenant.create", "tenant.enter", "invitation.create"] {
        assert!(told.contains(&("admin superuser", what)), "{what} is not on record: {told:?}");
    }
}

fn a_store_is_renamed_unless_somebody_else_has(world: &World) {
    let shop = world.open("Alpha");
    let admin = operator(world);
    let store = format!("/platform/tenants/{}/", shop.id);
    let seen = admin.get(&store).must(200);
    let done = admin.send_form(&seen, &store, &[("name", "Omega")]).must(303);
    assert!(admin.follow(&done).must(200).text.contains("The store was changed."));
    let name = || shop.owner.get("/api/store/").must(200).text_of("name").to_owned();
    assert_eq!(name(), "Omega");
    let late = admin.send_form(&seen, &store, &[("name", "Sigma")]).must(409);
    assert!(late.text.contains("Somebody else has changed this meanwhile."), "{}", late.text);
    assert_eq!(name(), "Omega");
    admin.send_form(&late, &store, &[]).must(303);
    assert_eq!(name(), "Sigma");
}

fn stores_are_found_by_name_and_state(world: &World) {
    let (one, _two) = (world.open("Alpha"), world.open("Alphabet"));
    world.open("Beta");
    let admin = operator(world);
    let list = "/platform/tenants/";
    let found = |query: &str| {
        let page = admin.get(&format!("{list}{query}")).must(200).text;
        rows(&page).into_iter().map(|mut row| row.remove(0)).collect::<Vec<_>>()
    };
    assert_eq!(found(""), ["Beta", "Alphabet", "Alpha"]);
    assert_eq!(found("?search=alpha"), ["Alphabet", "Alpha"]);
    let suspend = format!("{list}{}/suspend/", one.id);
    admin.fill_in(&suspend, &suspend, &[]).must(303);
    assert_eq!(found("?search=alpha&status=suspended"), ["Alpha"]);
    assert_eq!(found("?search=alpha&status=active"), ["Alphabet"]);
}

fn a_store_tells_how_much_it_holds(world: &World) {
    let shop = world.open("Alpha");
    shop.order(shop.product("Lamp", "1.00", None), 1);
    shop.product("Cup", "1.00", None);
    let page = operator(world).get(&format!("/platform/tenants/{}/", shop.id)).must(200).text;
    let told = words(main(&page));
    assert!(told.contains("Users 4 Products 2 Orders 1 Audit entries"), "{told}");
}

fn the_admins_are_listed_and_the_database_is_asked(world: &World) {
    world.open("Alpha");
    let admin = operator(world);
    world.admin_named("second");
    let listed = rows(&admin.get("/platform/admins/").must(200).text);
    let told: Vec<_> = listed.iter().map(|row| [0, 1, 2].map(|cell: usize| row[cell].as_str())).collect();
    assert_eq!(told, [["admin", "admin@example.com", "active"], ["second", "second@example.com", "active"]]);
    assert!(words(main(&admin.get("/platform/health/").must(200).text)).contains("Database Answers"));
}
