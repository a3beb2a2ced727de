use crate::{denied, faulty_field, is_not_found, product, shop, unknown};
use haat_domain::authz::Role;
use haat_domain::catalog::*;
use haat_domain::error::{AuthFailure, Denied};
use haat_domain::testing::*;

fn set_status(shop: &TestShop, product: &Product, status: ProductStatus) {
    let (id, patch) = (product.id, ProductPatch { status: Some(status), ..ProductPatch::default() });
    shop.act(Role::Staff, move |cx| update_product(cx, id, patch)).unwrap();
}

#[test]
fn a_customer_sees_published_products_only() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", None);
    for status in ProductStatus::ALL {
        set_status(&shop, &lamp, status);
        let visible = status == ProductStatus::Active;
        let read = shop.act(Role::Customer, move |cx| read_product(cx, lamp.id));
        assert_eq!((read.is_ok(), is_not_found(&read)), (visible, !visible), "{status}");
        for asked in
            [None, Some(ProductStatus::Draft), Some(ProductStatus::Active), Some(ProductStatus::Archived)]
        {
            let filter = ProductFilter { status: asked, ..ProductFilter::default() };
            let page =
                shop.act(Role::Customer, move |cx| list_products(cx, filter, &first_page("id"))).unwrap();
            let listed = visible && asked.is_none_or(|asked| asked == status);
            assert_eq!(page.items.len(), usize::from(listed), "{status}, asked for {asked:?}");
        }
    }
}

#[test]
fn staff_see_archived_products_when_they_ask_for_them() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", None);
    set_status(&shop, &lamp, ProductStatus::Archived);
    let count = |status| {
        let filter = ProductFilter { status, ..ProductFilter::default() };
        shop.act(Role::Staff, move |cx| list_products(cx, filter, &first_page("id"))).unwrap().items.len()
    };
    assert_eq!((count(None), count(Some(ProductStatus::Archived))), (0, 1));
    assert!(shop.act(Role::Staff, move |cx| read_product(cx, lamp.id)).is_ok());
}

#[test]
fn customers_and_strangers_change_no_product() {
    let shop = shop();
    let id = product(&shop, "Lamp", "5", None).id;
    assert_eq!(
        denied(shop.act(Role::Customer, |cx| create_product(cx, details("X", "1", None)))),
        Denied::Role
    );
    assert_eq!(denied(shop.act(Role::Customer, move |cx| delete_product(cx, id))), Denied::Role);
    let patched = shop.act(Role::Customer, move |cx| update_product(cx, id, ProductPatch::default()));
    assert_eq!(denied(patched), Denied::Role);
    assert_eq!(unknown(shop.act(Role::Anonymous, move |cx| read_product(cx, id))), AuthFailure::Missing);
}

#[test]
fn a_price_is_in_the_stores_currency() {
    let shop = shop();
    let euros = || details_in("EUR", "Lamp", "5", None);
    assert_eq!(faulty_field(shop.act(Role::Owner, move |cx| create_product(cx, euros()))), "price");
    let id = product(&shop, "Lamp", "5", None).id;
    assert_eq!(faulty_field(shop.act(Role::Owner, move |cx| replace_product(cx, id, euros()))), "price");
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", Some(3));
    shop.clock.advance(60);
    let patch = ProductPatch { name: Some(ProductName::parse("Torch").unwrap()), ..ProductPatch::default() };
    let (id, mut expected) = (lamp.id, lamp);
    let patched = shop.act(Role::Staff, move |cx| update_product(cx, id, patch)).unwrap();
    expected.details.name = ProductName::parse("Torch").unwrap();
    expected.updated_at = expected.created_at.plus_seconds(60);
    assert_eq!(patched, expected);
}
