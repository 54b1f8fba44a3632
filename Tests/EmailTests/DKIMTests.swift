import Bulletins
import Crypto
import CryptoExtras
import Foundation
import NIOCore
import Testing

@testable import Email

@Suite struct DKIMTests {
    private let mail = ByteBuffer(
        string:
            "From: a@d.example\r\nSubject:  two \t words\r\n folded\r\nTo: x@y.example\r\n\r\nbody  line\r\n\r\n\r\n")
    private let now = Timestamp(milliseconds: 1_795_403_700_000)

    /// The PEM that OpenSSL writes.
    private func pem(_ key: Curve25519.Signing.PrivateKey) -> String {
        let beginning: [UInt8] = [0x30, 0x2E, 0x02, 0x01, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]
        let der = Data(beginning) + key.rawRepresentation
        return "-----BEGIN PRIVATE KEY-----\n\(der.base64EncodedString())\n-----END PRIVATE KEY-----\n"
    }

    @Test func canonicalForms() {
        let parts = MailParts(mail)
        #expect(parts.fields.map(\.relaxed) == ["from:a@d.example", "subject:two words folded", "to:x@y.example"])
        #expect(String(decoding: parts.body, as: UTF8.self) == "body  line\r\n")
    }

    @Test func signsWithEachKey() throws {
        let ed = Curve25519.Signing.PrivateKey()
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let signer = DKIMSigner(
            domain: "d.example",
            keys: [
                try DKIMKey(selector: "s1", pem: rsa.pemRepresentation), try DKIMKey(selector: "s2.x", pem: pem(ed)),
            ])
        let signed = String(buffer: try signer.sign(mail, now: now))
        #expect(signed.hasSuffix(String(buffer: mail)))
        let parts = MailParts(ByteBuffer(string: signed))
        let signatures = parts.fields.filter { $0.name == "dkim-signature" }.map(\.relaxed)
        #expect(signatures.count == 2)
        #expect(signatures[0].contains("a=rsa-sha256; c=relaxed/simple; d=d.example; s=s1; t=1795403700;"))
        let text = try #require(signatures[1].range(of: " b=").map { signatures[1][..<$0.upperBound] })
        let code = signatures[1].dropFirst(text.count).filter { $0 != " " }
        let content = "from:a@d.example\r\nto:x@y.example\r\nsubject:two words folded\r\n" + text
        let digest = Data(SHA256.hash(data: Data(content.utf8)))
        #expect(ed.publicKey.isValidSignature(try #require(Data(base64Encoded: String(code))), for: digest))
        #expect(signed.components(separatedBy: "\r\n").allSatisfy { $0.utf8.count <= 78 })
    }

    @Test(arguments: ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
    func noKey(_ pem: String) {
        #expect(throws: DKIMKey.Fault.self) { try DKIMKey(selector: "s", pem: pem) }
    }

    @Test(arguments: ["", "-a", "a..b", "a b", "a_b", "é"])
    func noSelector(_ selector: String) throws {
        let pem = pem(Curve25519.Signing.PrivateKey())
        #expect(throws: DKIMKey.Fault.self) { try DKIMKey(selector: selector, pem: pem) }
    }

    @Test func shortKeysAreRefused() throws {
        let weak = try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1024))
        #expect(throws: DKIMKey.Fault.self) { try DKIMKey(selector: "s", pem: weak.pemRepresentation) }
    }
}
