import Addresses
import Testing

struct WebAddressTests {
    @Test(arguments: [
        ("HTTP://Desa.Example", "http://desa.example/"), ("https://desa.example:443/a", "https://desa.example/a"),
        ("http://desa.example:80", "http://desa.example/"), ("https://desa.example:80/", "https://desa.example:80/"),
        ("https://desa.example:/", "https://desa.example/"), ("https://desa.example/a#b", "https://desa.example/a"),
        ("https://desa.example?a=%2f#b", "https://desa.example/?a=%2F"),
        ("https://desa.example/%7ebudi/%c3%a9?x=%2E", "https://desa.example/~budi/%C3%A9?x=."),
        ("https://desa.example/a/./b/../c", "https://desa.example/a/c"),
        ("https://desa.example/../a/..", "https://desa.example/"),
        ("https://desa.example/a/.", "https://desa.example/a/"),
        ("https://desa.example/a%2e%2e/b", "https://desa.example/a../b"),
        ("https://desa.example/a/%2e%2e/b", "https://desa.example/b"),
        ("https://desa.example//a//b/", "https://desa.example//a//b/"),
        ("https://desa.example/a?b/../c", "https://desa.example/a?b/../c"),
        ("https://desa.example/A?B=C", "https://desa.example/A?B=C"),
        ("https://[2001:DB8:0::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("https://desa.example/%zz", "https://desa.example/%zz"), ("https://desa.example/%", "https://desa.example/%"),
        ("kabar-desa", "kabar-desa"), ("https://", "https://"), ("mailto:a@b.example", "mailto:a@b.example"),
    ])
    func hasOneNormalForm(url: String, spelling: String) {
        #expect(WebAddress.canonical(url) == spelling)
        #expect(WebAddress.canonical(spelling) == spelling)
    }

    @Test(arguments: [
        ("Budi@DESA.example", "Budi@desa.example"), ("HTTPS://DESA.example/@x", "https://desa.example/@x"),
        ("feed-1234", "feed-1234"), ("http@Desa.Example", "http@desa.example"),
    ])
    func anyAddressIsNormalisedByItsKind(text: String, spelling: String) {
        #expect(AnyAddress.canonical(text) == spelling)
    }
}
