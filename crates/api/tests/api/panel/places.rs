//! The panel elsewhere, and nowhere.

use super::html;
use crate::support::{PASSWORD, World, send};
use actix_web::http::Method;

cases! {
    the_panel_can_be_switched_off,
    a_panel_that_was_moved_is_all_in_its_new_place,
    its_files_may_be_kept_and_are_this_programs,
    the_path_without_a_slash_is_the_panel_too,
}

fn the_panel_can_be_switched_off(world: &World) {
    let server = world.another(&["--admin-path", "off"]);
    for path in ["/admin/", "/admin/sign-in/", "/admin/products/"] {
        let nowhere = server.serve(&world.anonymous());
        nowhere.get(path).refused(404, "not_found");
        nowhere.post(path, &serde_json::json!({})).refused(404, "not_found");
    }
}

fn a_panel_that_was_moved_is_all_in_its_new_place(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&["--admin-path", "/back/office"]);
    server.serve(&world.anonymous()).get("/admin/sign-in/").refused(404, "not_found");
    let mut visitor = server.visitor();
    "/back/office".clone_into(&mut visitor.base);
    assert!(visitor.get("/account/").place().starts_with("/back/office/sign-in/?why="));
    assert_eq!(visitor.sign_in(&shop.owner.username, PASSWORD, "").must(303).place(), "/back/office/");
    let mut all = 0;
    for page in
        haat_admin::pages().into_iter().filter(|page| page.method == Method::GET && !page.path.contains('{'))
    {
        let answer = visitor.get(page.path);
        for address in html::addresses(&answer.text).into_iter().filter(|address| !address.starts_with('#')) {
            assert!(address.starts_with("/back/office/"), "{address} on {}", page.path);
            all += 1;
        }
        if let Some(place) = answer.header("location") {
            assert!(place.starts_with("/back/office/"), "{} leads to {place}", page.path);
        }
    }
    assert!(all > 100, "only {all} addresses were looked at");
    assert_eq!(visitor.get("/nowhere/").status, 404);
    assert!(visitor.post("/sign-out/", &[("", "")]).must(303).place().starts_with("/back/office/"));
}

fn its_files_may_be_kept_and_are_this_programs(world: &World) {
    let page = world.visitor().get("/sign-in/").must(200);
    let files = html::addresses(&page.text).into_iter().filter(|address| address.contains("/static/"));
    let mut kinds = Vec::new();
    for file in files {
        let answer = world.visitor().get(file.strip_prefix("/admin").unwrap()).must(200);
        assert!(
            answer.header("cache-control").unwrap().contains("immutable"),
            "{file}: {:?}",
            answer.headers
        );
        assert!(answer.header("set-cookie").is_none(), "{file}");
        kinds.push(answer.header("content-type").unwrap().split(';').next().unwrap().to_owned());
        // With another digest it is another file, and there is none.
        let (folder, name) = file.trim_end_matches('/').rsplit_once('/').unwrap();
        let other = format!("{}0/{name}/", folder.strip_prefix("/admin").unwrap());
        world.visitor().get(&other).must(404);
    }
    kinds.sort();
    assert_eq!(kinds, ["image/svg+xml", "text/css", "text/javascript"]);
}

fn the_path_without_a_slash_is_the_panel_too(world: &World) {
    let answer = send(world.anonymous().request("GET", "/admin"));
    assert!(matches!(answer.status, 301 | 303 | 308), "{} {}", answer.status, answer.text);
    assert!(answer.place().starts_with("/admin/"), "{}", answer.place());
}
