use crate::{conflict, denied, faulty_field, is_not_found, shop, unknown};
use haat_domain::authz::Role;
use haat_domain::catalog::create_product;
use haat_domain::error::{AuthFailure, Conflict, Denied, Error, Result};
use haat_domain::identity::*;
use haat_domain::ids::UserId;
use haat_domain::testing::*;

fn hire(shop: &TestShop, name: &str, role: Role) -> Member {
    let new = user(name, role);
    let hired = shop.act(Role::Owner, move |cx| create_user(cx, &new)).unwrap();
    shop.log_in(&hired).unwrap()
}

fn update(shop: &TestShop, id: UserId, patch: UserPatch) -> Result<User> {
    shop.act(Role::Owner, move |cx| update_user(cx, id, patch))
}

fn to_role(role: Role) -> UserPatch {
    UserPatch { role: Some(role), ..UserPatch::default() }
}

fn switched(is_active: bool) -> UserPatch {
    UserPatch { is_active: Some(is_active), ..UserPatch::default() }
}

#[test]
fn the_last_active_owner_stays_one() {
    let shop = shop();
    let me = shop.owner.user.id;
    let all_refused = |why: &str| {
        assert_eq!(conflict(update(&shop, me, to_role(Role::Staff))), Conflict::LastOwner, "{why}");
        assert_eq!(conflict(update(&shop, me, switched(false))), Conflict::LastOwner, "{why}");
        assert_eq!(
            conflict(shop.act(Role::Owner, move |cx| delete_user(cx, me))),
            Conflict::LastOwner,
            "{why}"
        );
    };
    all_refused("alone");
    update(&shop, me, UserPatch { email: Some(email("new@example.com")), ..switched(true) })
        .expect("anything else");

    let second = hire(&shop, "second", Role::Owner).user.id;
    update(&shop, second, switched(false)).unwrap();
    all_refused("beside one who is not active");
    update(&shop, second, switched(true)).unwrap();
    update(&shop, me, to_role(Role::Staff)).expect("the other one is left");
}

#[test]
fn the_last_owner_cannot_be_sent_away_by_an_operator_either() {
    let shop = shop();
    let owner = shop.owner.user.id;
    assert_eq!(conflict(shop.operate(move |cx| delete_user(cx, owner))), Conflict::LastOwner);
}

#[test]
fn demotion_acts_on_the_next_transaction() {
    let shop = shop();
    let lamp = || details("Lamp", "1", None);
    shop.act(Role::Staff, move |cx| create_product(cx, lamp())).unwrap();
    update(&shop, shop.staff.user.id, to_role(Role::Customer)).unwrap();
    assert_eq!(denied(shop.act(Role::Staff, move |cx| create_product(cx, lamp()))), Denied::Role);
    shop.act(Role::Staff, read_me).expect("the session goes on");
}

#[test]
fn deactivation_acts_on_the_next_transaction_and_ends_the_sessions() {
    let shop = shop();
    let id = shop.staff.user.id;
    update(&shop, id, switched(false)).unwrap();
    assert_eq!(unknown(shop.act(Role::Staff, read_me)), AuthFailure::Inactive);
    assert_eq!(unknown(shop.log_in(&shop.staff.user)), AuthFailure::BadCredentials);
    let back = update(&shop, id, switched(true)).unwrap();
    assert_eq!(unknown(shop.act(Role::Staff, read_me)), AuthFailure::BadToken);
    let again = shop.log_in(&back).unwrap();
    shop.act_as(&again, read_me).unwrap();
}

#[test]
fn a_removed_account_is_nobodys() {
    let shop = shop();
    let id = shop.staff.user.id;
    shop.act(Role::Owner, move |cx| delete_user(cx, id)).unwrap();
    assert_eq!(unknown(shop.act(Role::Staff, read_me)), AuthFailure::BadToken);
    assert!(is_not_found(&shop.act(Role::Owner, move |cx| read_user(cx, id))));
    assert!(is_not_found(&shop.act(Role::Owner, move |cx| delete_user(cx, id))));
    assert!(is_not_found(&update(&shop, id, switched(true))));
}

#[test]
fn a_password_set_by_the_owner_ends_the_accounts_sessions() {
    let shop = shop();
    update(&shop, shop.staff.user.id, UserPatch { hash: Some(hash("new")), ..UserPatch::default() }).unwrap();
    assert_eq!(unknown(shop.act(Role::Staff, read_me)), AuthFailure::BadToken);
}

#[test]
fn an_owner_makes_owners_staff_and_customers_and_nobody_else() {
    let shop = shop();
    let id = shop.staff.user.id;
    for role in [Role::Superuser, Role::Anonymous] {
        assert_eq!(faulty_field(update(&shop, id, to_role(role))), "role");
    }
    for role in [Role::Owner, Role::Customer, Role::Staff] {
        assert_eq!(update(&shop, id, to_role(role)).unwrap().role, role);
    }
}

#[test]
fn only_owners_manage_users() {
    let shop = shop();
    let id = shop.neighbour.user.id;
    for role in [Role::Staff, Role::Customer] {
        let listed = shop.act(role, |cx| list_users(cx, &UserFilter::default(), &first_page("id")));
        assert_eq!(denied(listed), Denied::Role);
        assert_eq!(denied(shop.act(role, move |cx| read_user(cx, id))), Denied::Role);
        assert_eq!(denied(shop.act(role, move |cx| delete_user(cx, id))), Denied::Role);
        assert_eq!(denied(shop.act(role, |cx| create_user(cx, &user("new", Role::Customer)))), Denied::Role);
        assert_eq!(denied(shop.act(role, move |cx| update_user(cx, id, to_role(Role::Owner)))), Denied::Role);
    }
}

#[test]
fn everybody_changes_their_own_address_to_one_that_is_free() {
    let shop = shop();
    for role in [Role::Owner, Role::Staff, Role::Customer] {
        let new = format!("{role}@new.example.com");
        let me = shop.act(role, move |cx| update_me(cx, Some(email(&new)))).unwrap();
        assert_eq!(shop.act(role, read_me).unwrap(), me);
        assert_eq!(shop.act(role, |cx| update_me(cx, None)).unwrap(), me, "none is no change");
        let taken = shop.act(role, |cx| update_me(cx, Some(email("NEIGHBOUR@example.com"))));
        assert_eq!(conflict(taken), Conflict::EmailTaken);
    }
}

#[test]
fn a_new_password_ends_every_other_session() {
    let shop = shop();
    let elsewhere = shop.log_in(&shop.customer.user).unwrap();
    let (_, old) = shop.act(Role::Customer, own_password).unwrap();
    let verified = old.clone();
    shop.act(Role::Customer, move |cx| change_password(cx, &verified, &hash("new"))).unwrap();
    shop.act(Role::Customer, read_me).expect("the own session goes on");
    assert_eq!(unknown(shop.act_as(&elsewhere, read_me)), AuthFailure::BadToken);
    assert_eq!(shop.act(Role::Customer, own_password).unwrap().1, hash("new"));

    let late = shop.act(Role::Customer, move |cx| change_password(cx, &old, &hash("newer")));
    assert_eq!(
        conflict(late),
        Conflict::Duplicate,
        "the old password is no longer the one that was verified"
    );
}

#[test]
fn a_platform_admin_has_an_account_of_their_own_inside_a_store_too() {
    use haat_domain::authz::Action;
    let shop = shop();
    let admin = TestPlatform::open(shop.store.clone());
    let me = admin.act_in("Bazaar", Action::ReadSelf, read_me).unwrap();
    assert_eq!(me, admin.admin.user);
    let other = admin.admin.user.id;
    let found = shop.act(Role::Owner, move |cx| read_user(cx, other));
    assert!(matches!(found, Err(Error::NotFound)), "and none in the store");
}
