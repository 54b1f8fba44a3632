import Addresses
import Testing

struct MailAddressTests {
    @Test(arguments: [
        ("budi@desa.example", "budi@desa.example"), ("Budi.RT@DESA.Example", "Budi.RT@desa.example"),
        ("budi@désa.example", "budi@xn--dsa-bma.example"), ("budi@DÉSA.example", "budi@xn--dsa-bma.example"),
        ("budi@de\u{301}sa.example", "budi@xn--dsa-bma.example"), ("budi@faß.example", "budi@xn--fa-hia.example"),
        ("pak+rt/03=a@xn--dsa-bma.example", "pak+rt/03=a@xn--dsa-bma.example"),
        ("desa.é@desa.example", "desa.é@desa.example"),
        (String(repeating: "a", count: 64) + "@b.example", String(repeating: "a", count: 64) + "@b.example"),
        ("a@" + String(repeating: "b", count: 63) + ".example", "a@" + String(repeating: "b", count: 63) + ".example"),
    ])
    func isAcceptedInItsNormalForm(text: String, spelling: String) throws {
        #expect(try MailAddress(text).description == spelling)
        #expect(try MailAddress(spelling).description == spelling)
    }

    @Test(arguments: [
        "", "budi", "@desa.example", "budi@", "a..b@desa.example", ".a@desa.example", "a.@desa.example",
        "ok@x_y.example", "ok@-x.example", "ok@x-.example", "ok@x..example", "ok@.example", "ok@example.",
        "a b@desa.example", "a@b@desa.example", "\"a b\"@desa.example", "a(c)@desa.example", "a\r\nb@desa.example",
        "a@desa.example\r\n", "a\u{0}@desa.example", "a\u{200B}@desa.example", "a\u{202E}@desa.example",
        "a\u{85}@desa.example", "a\u{A0}b@desa.example", "a@de\u{200B}_sa.example", "a@désa_x.example",
        "root@localhost", "root@[192.0.2.1]", "a@192.0.2.1", "a@desa .example", "a@désa.\u{0}example",
        String(repeating: "a", count: 65) + "@b.example", "a@" + String(repeating: "b", count: 64) + ".example",
        "a@" + Array(repeating: String(repeating: "b", count: 49), count: 5).joined(separator: ".") + ".example",
    ])
    func isRejected(text: String) {
        #expect(throws: AddressFault.self) { try MailAddress(text) }
        #expect(MailAddress.canonical(text) == text)
    }

    @Test(arguments: ["root@localhost", "root@[192.0.2.1]", "root@[IPv6:2001:db8::1]"])
    func isAcceptedOnTheLocalNetwork(text: String) throws {
        #expect(try MailAddress(text, scope: .anyHost).description == text)
    }

    @Test
    func spellingsOfOneAddressFoldToTheSameText() throws {
        #expect(try MailAddress("Pak.RT@Dusun.Example").folded == MailAddress("pak.rt@dusun.example").folded)
        #expect(try MailAddress("pak.rt@dusun.example").folded != MailAddress("pakrt@dusun.example").folded)
    }

    @Test(arguments: ["mail.example", "localhost", "[192.0.2.1]", "désa.example"])
    func acceptsHostNames(text: String) { #expect(DomainName.isHost(text)) }

    @Test(arguments: ["", "a b", "-x.example", "x_y", "[192.0.2.1", "a..b"])
    func rejectsOtherTexts(text: String) { #expect(!DomainName.isHost(text)) }
}
