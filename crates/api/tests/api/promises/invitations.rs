//! Invitations: who makes them, what they are good for, and for whom.

use super::{at_once, lines};
use crate::support::{Answer, Client, PASSWORD, Shop, World};
use serde_json::{Value, json};

cases! {
    an_invitation_is_made_shown_and_taken_back,
    the_list_has_no_token_and_is_filtered_and_paged,
    owners_alone_invite,
    the_invited_become_what_they_were_invited_as,
    whoever_was_not_invited_like_this_is_told_the_same,
    of_ten_who_come_at_once_one_is_let_in,
    a_name_that_is_taken_leaves_the_invitation_as_it_was,
    the_database_has_the_hash_and_not_the_token,
}

fn invite(shop: &Shop, email: &str, role: &str) -> Answer {
    shop.owner.post("/api/invitations/", &json!({"email": email, "role": role})).must(201)
}

fn register(
    client: &Client,
    username: &str,
    email: &str,
    role: &str,
    store: Option<&str>,
    token: &str,
) -> Answer {
    let mut body = json!({"username": username, "email": email, "role": role, "password": PASSWORD,
        "invite_token": token});
    if let Some(store) = store {
        body["tenant_name"] = json!(store);
    }
    client.post("/api/auth/register/", &body)
}

fn an_invitation_is_made_shown_and_taken_back(world: &World) {
    let shop = world.open("Alpha");
    let made = invite(&shop, "Ann@Example.com", "staff");
    assert_eq!(made.header("location"), Some(&*format!("/api/invitations/{}/", made.id())));
    assert_eq!((made.text_of("status"), made.text_of("role")), ("pending", "staff"));
    assert!(made.text_of("token").starts_with(&format!("invite-{}-", shop.id)));
    let members: Vec<_> = made.json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["created_at", "email", "expires_at", "id", "role", "status", "token"]);
    let path = format!("/api/invitations/{}/", made.id());
    let status = |status: &str| super::count(&shop.owner, &format!("/api/invitations/?status={status}"));
    assert_eq!((status("pending"), status("revoked")), (1, 0));
    for _ in 0..3 {
        assert_eq!(shop.owner.delete(&path).must(204).text, "");
    }
    assert_eq!((status("pending"), status("revoked")), (0, 1));
    let audit = shop.owner.get("/api/audit/?action=invitation.revoke").must(200);
    assert_eq!(audit.json.as_array().unwrap().len(), 1, "it is taken back once");
    for (body, fields) in [
        (json!({}), vec!["email", "role"]),
        (json!({"email": "nobody", "role": "superuser"}), vec!["email", "role"]),
        (json!({"email": "b@example.com", "role": "anonymous"}), vec!["role"]),
        (json!({"email": 7, "role": null}), vec!["email", "role"]),
    ] {
        shop.owner.post("/api/invitations/", &body).faults(&fields);
    }
    let taken = json!({"email": "STAFF.alpha@example.com", "role": "owner"});
    shop.owner.post("/api/invitations/", &taken).refused(409, "email_taken");
}

fn the_list_has_no_token_and_is_filtered_and_paged(world: &World) {
    let (shop, other) = (world.open("Alpha"), world.open("Beta"));
    invite(&other, "else@example.com", "owner");
    let mut tokens: Vec<String> = Vec::new();
    let mut ids: Vec<i64> = Vec::new();
    for n in 0..5 {
        let made = invite(&shop, &format!("one{n}@example.com"), "customer");
        tokens.push(made.text_of("token").to_owned());
        ids.push(made.id());
    }
    shop.owner.delete(&format!("/api/invitations/{}/", ids[0])).must(204);
    register(&world.anonymous(), "one1", "one1@example.com", "customer", None, &tokens[1]).must(201);
    let shown = |query: &str| -> Vec<i64> {
        let (mut all, mut next) = (Vec::new(), Some(format!("/api/invitations/?{query}")));
        while let Some(path) = next {
            let page = shop.owner.get(&path).must(200);
            assert!(!page.text.contains("token") && !page.text.contains("invite-"), "{}", page.text);
            all.extend(page.json.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()));
            next = page.next();
        }
        all
    };
    let newest: Vec<_> = ids.iter().rev().copied().collect();
    assert_eq!(
        (shown(""), shown("limit=2"), shown("limit=1&ordering=id")),
        (newest.clone(), newest, ids.clone())
    );
    assert_eq!((shown("status=revoked"), shown("status=redeemed")), (vec![ids[0]], vec![ids[1]]));
    assert_eq!(shown("status=pending&ordering=id&limit=2"), ids[2..]);
    assert_eq!(shown("status=expired"), [0_i64; 0]);
    shop.owner
        .get("/api/invitations/?status=lost&limit=0&ordering=email")
        .faults(&["limit", "ordering", "status"]);
    expire(world, &shop);
    assert_eq!(shown("status=expired&ordering=id"), ids[2..]);
}

/// Lets time pass for what is pending.
fn expire(world: &World, shop: &Shop) {
    super::raw(world, shop.id).run("UPDATE invitations SET expires_at = created_at").unwrap();
}

fn owners_alone_invite(world: &World) {
    let (shop, other, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    let path = format!("/api/invitations/{}/", invite(&shop, "ann@example.com", "staff").id());
    let body = json!({"email": "bob@example.com", "role": "customer"});
    for client in [&shop.staff, &shop.customer] {
        client.post("/api/invitations/", &body).refused(403, "permission_denied");
        client.get("/api/invitations/").refused(403, "permission_denied");
        client.delete(&path).refused(403, "permission_denied");
    }
    world.anonymous().post("/api/invitations/", &body).refused(401, "not_authenticated");
    other.owner.delete(&path).refused(404, "not_found");
    assert_eq!(super::count(&shop.owner, "/api/invitations/?status=pending"), 1);
    let made = admin.inside(&shop.slug).post("/api/invitations/", &body).must(201);
    register(&world.anonymous(), "bob", "bob@example.com", "customer", None, made.text_of("token")).must(201);
}

fn the_invited_become_what_they_were_invited_as(world: &World) {
    let shop = world.open("Alpha");
    let named = [None, Some("Alpha"), Some(shop.slug.as_str()), Some(" ALPHA ")];
    for (n, store) in named.into_iter().enumerate() {
        for role in ["owner", "staff", "customer"] {
            let (name, email) = (format!("{role}{n}"), format!("{role}{n}@example.com"));
            let made = invite(&shop, &email, role);
            // An e-mail address is the same whatever its case.
            let answer = register(
                &world.anonymous(),
                &name,
                &email.to_uppercase(),
                role,
                store,
                made.text_of("token"),
            );
            assert_eq!(answer.must(201).json["role"], role);
            let user = world.log_in(&name, "Alpha");
            assert_eq!(user.get("/api/auth/me/").must(200).json["tenant"], shop.id);
            let status = if role == "customer" { 403 } else { 201 };
            user.post("/api/products/", &json!({"name": "Cup", "price": "1"})).must(status);
            user.get("/api/users/").must(if role == "owner" { 200 } else { 403 });
        }
    }
    // A further owner is an owner: the first one may go.
    let owner = world.log_in("owner0", "Alpha");
    let made = owner.post("/api/invitations/", &json!({"email": "z@example.com", "role": "owner"})).must(201);
    owner.delete(&format!("/api/users/{}/", shop.owner.id)).must(204);
    register(&world.anonymous(), "zed", "z@example.com", "owner", None, made.text_of("token")).must(201);
    world.log_in("zed", "Alpha").get("/api/audit/").must(200);
}

fn whoever_was_not_invited_like_this_is_told_the_same(world: &World) {
    let (shop, other) = (world.open("Alpha"), world.open("Beta"));
    let token = |email: &str| invite(&shop, email, "staff").text_of("token").to_owned();
    let good = token("ann@example.com");
    let theirs = invite(&other, "ann@example.com", "staff").text_of("token").to_owned();
    let (used, revoked, expired) =
        (token("used@example.com"), token("ann@example.com"), token("late@example.com"));
    let anyone = world.anonymous();
    register(&anyone, "used", "used@example.com", "staff", None, &used).must(201);
    let list = shop.owner.get("/api/invitations/").must(200).json;
    let id =
        list.as_array().unwrap().iter().filter(|one| one["email"] == "ann@example.com").map(|one| &one["id"]);
    shop.owner.delete(&format!("/api/invitations/{}/", id.max_by_key(|id| id.as_i64()).unwrap())).must(204);
    super::raw(world, shop.id)
        .run("UPDATE invitations SET expires_at = created_at WHERE email = 'late@example.com'")
        .unwrap();

    let secret = good.rsplit('-').next().unwrap().to_owned();
    let forged = good.replace(&secret, &"0".repeat(32));
    let moved = good.replace(&format!("invite-{}-", shop.id), &format!("invite-{}-", other.id));
    let nowhere = good.replace(&format!("invite-{}-", shop.id), "invite-987654-");
    let huge = format!("invite-{}-{}", "9".repeat(40), secret);
    let upper = good.replace(&secret, &secret.to_uppercase());
    let nothing = register(&anyone, "ann", "ann@example.com", "staff", None, &forged);
    let nothing = nothing.refused(403, "invitation_required").essence();
    let ann = "ann@example.com";
    for (email, role, store, token) in [
        ("bob@example.com", "staff", None, good.as_str()),
        (ann, "owner", None, &good),
        (ann, "customer", None, &good),
        (ann, "staff", Some("Beta"), &good),
        (ann, "staff", Some("No such store"), &good),
        (ann, "staff", Some("Alpha"), &theirs),
        ("used@example.com", "staff", None, &used),
        (ann, "staff", None, &revoked),
        ("late@example.com", "staff", None, &expired),
        (ann, "staff", None, &moved),
        (ann, "staff", None, &nowhere),
        (ann, "staff", None, &huge),
        (ann, "staff", None, if upper == good { &forged } else { &upper }),
        (ann, "staff", None, ""),
        (ann, "staff", None, "garbage"),
        (ann, "customer", Some("Alpha"), "garbage"),
        (ann, "owner", Some("A new store"), "garbage"),
        (ann, "staff", None, "invite--"),
        (ann, "staff", None, "invite-0-00112233445566778899aabbccddeeff"),
        (ann, "staff", None, "invite--1-00112233445566778899aabbccddeeff"),
        (ann, "staff", None, "\u{1f600}\u{0}"),
    ] {
        let answer = register(&anyone, "ann", email, role, store, token);
        assert_eq!(answer.essence(), nothing, "{email} {role} {store:?} {token}");
    }
    // Who is known is told no more.
    let answer = register(&other.owner, "ann", ann, "staff", None, &forged);
    assert_eq!((answer.status, answer.code()), (403, "invitation_required"));
    // The suspension of its store counts for an invitation as well.
    let admin = world.admin();
    admin.post(&format!("/api/platform/tenants/{}/suspend/", shop.id), &json!({})).must(200);
    assert_eq!(register(&anyone, "ann", ann, "staff", None, &good).essence(), nothing);
    admin.post(&format!("/api/platform/tenants/{}/resume/", shop.id), &json!({})).must(200);
    register(&anyone, "ann", ann, "staff", None, &good).must(201);
    assert_eq!(register(&anyone, "ann2", ann, "staff", None, &good).essence(), nothing);
}

fn of_ten_who_come_at_once_one_is_let_in(world: &World) {
    let shop = world.open("Alpha");
    for round in 0..3 {
        let email = format!("ann{round}@example.com");
        let token = invite(&shop, &email, "staff").text_of("token").to_owned();
        let answers = at_once(10, |n| {
            register(&world.anonymous(), &format!("ann{round}.{n}"), &email, "staff", None, &token)
        });
        let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(made.len(), 1);
        let first = refused[0].essence();
        for answer in refused {
            assert_eq!(answer.refused(403, "invitation_required").essence(), first);
        }
        let users = format!("/api/users/?search=ann{round}.");
        assert_eq!(super::count(&shop.owner, &users), 1);
        world.log_in(made[0].text_of("username"), "Alpha").get("/api/orders/").must(200);
    }
    let redeemed = shop.owner.get("/api/audit/?action=invitation.redeem").must(200);
    assert_eq!(redeemed.json.as_array().unwrap().len(), 3);
}

fn a_name_that_is_taken_leaves_the_invitation_as_it_was(world: &World) {
    let shop = world.open("Alpha");
    let token = invite(&shop, "ann@example.com", "staff").text_of("token").to_owned();
    let anyone = world.anonymous();
    register(&anyone, &shop.other.username, "ann@example.com", "staff", None, &token)
        .refused(409, "username_taken");
    assert_eq!(super::count(&shop.owner, "/api/invitations/?status=pending"), 1);
    register(&anyone, "ann", "ann@example.com", "staff", None, &token).must(201);
}

fn the_database_has_the_hash_and_not_the_token(world: &World) {
    let shop = world.open("Alpha");
    let token = invite(&shop, "ann@example.com", "staff").text_of("token").to_owned();
    let second = invite(&shop, "bob@example.com", "staff");
    shop.owner.delete(&format!("/api/invitations/{}/", second.id())).must(204);
    register(&world.anonymous(), "ann", "ann@example.com", "staff", None, &token).must(201);
    let hashes = lines(world, shop.id, "SELECT token_hash FROM invitations ORDER BY id");
    assert!(hashes.len() == 2 && hashes.iter().all(|hash| hash.len() == 64), "{hashes:?}");
    let audit = shop.owner.get("/api/audit/?limit=200").must(200);
    for token in [token.as_str(), second.text_of("token")] {
        let secret = token.rsplit('-').next().unwrap();
        assert!(hashes.iter().all(|hash| !hash.contains(secret)));
        assert!(!audit.text.contains(secret));
    }
    assert!(hashes.iter().all(|hash| !audit.text.contains(hash.as_str())));
    let about = |action: &str| -> Vec<Value> {
        let path = format!("/api/audit/?action={action}");
        shop.owner.get(&path).must(200).json.as_array().unwrap().clone()
    };
    assert_eq!(
        ["invitation.create", "invitation.revoke", "invitation.redeem"].map(|action| about(action).len()),
        [2, 1, 1]
    );
    assert_eq!(about("invitation.revoke")[0]["object_id"], second.json["id"]);
    assert_eq!(about("invitation.redeem")[0]["after"]["username"], "ann");
}
