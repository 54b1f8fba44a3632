import Foundation
import NIOCore
import Testing

@testable import SMTP

@Suite struct AuthenticationTests {
    private func decoded(_ text: String) -> String {
        Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self) } ?? "no base 64: \(text)"
    }

    private func encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    /// The example exchange of RFC 7677 section 3.
    private let nonce = "rOprNGfwEbeRWgbNEkqO"
    private let serverFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"

    private func exampleClient() -> SASLClient {
        SASLClient(.scramSHA256, username: "user", password: "pencil", nonce: nonce)
    }

    @Test func scramByTheExample() {
        var client = exampleClient()
        #expect(client.command == "AUTH SCRAM-SHA-256 " + encoded("n,,n=user,r=\(nonce)"))
        let final = client.answer(encoded(serverFirst))
        #expect(
            decoded(final ?? "")
                == "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        )
        #expect(!client.isSatisfied)
        #expect(client.answer(encoded("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")) == "")
        #expect(client.isSatisfied)
    }

    /// A server that does not know the password, or asks for a weak hash of it, is an impostor.
    @Test(arguments: [
        "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999", "r=rOprNGfwEbeRWgbNEkqOx,i=4096", "", "e=no",
    ])
    func scramWithAnImpostor(_ first: String) {
        var client = exampleClient()
        #expect(client.answer(encoded(first)) == nil)
        var late = exampleClient()
        _ = late.answer(encoded(serverFirst))
        #expect(late.answer(encoded("v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")) == nil && !late.isSatisfied)
    }

    @Test func scramIsPreferredAndHasToBeProven() {
        var driver = Driver(.implicitTLS, user: "u")
        _ = driver.says("220 hi")
        let command = driver.says("250-relay\r\n250 AUTH LOGIN PLAIN SCRAM-SHA-256").written
        #expect(command.hasPrefix("AUTH SCRAM-SHA-256 "))
        let failure = driver.says("235 welcome").failure
        guard case .unusable? = failure else {
            Issue.record("it takes a relay that proved nothing: \(String(describing: failure))")
            return
        }
    }

    @Test func aTokenOnlyIfItIsAskedFor() {
        var settings = SMTPSettings(
            host: "relay.example", port: 465, security: .implicitTLS, username: "u@x", password: "tok")
        var session = SMTPSession(settings: settings, heloName: "c.example")
        _ = session.handle(.connected(isSecure: true))
        _ = session.handle(.received(.init(string: "220 hi\r\n")))
        #expect(session.handle(.received(.init(string: "250-r\r\n250 AUTH XOAUTH2\r\n"))).failure != nil)
        settings.authentication = .xoauth2
        session = SMTPSession(settings: settings, heloName: "c.example")
        _ = session.handle(.connected(isSecure: true))
        _ = session.handle(.received(.init(string: "220 hi\r\n")))
        let command = session.handle(.received(.init(string: "250-r\r\n250 AUTH XOAUTH2\r\n"))).written
        #expect(command == "AUTH XOAUTH2 \(encoded("user=u@x\u{1}auth=Bearer tok\u{1}\u{1}"))\r\n")
        // The relay sends the reason as a challenge. An empty line ends the exchange.
        #expect(session.handle(.received(.init(string: "334 eyJzdGF0dXMiOiI0MDEifQ==\r\n"))).written == "\r\n")
        let failure = session.handle(.received(.init(string: "535 5.7.8 no\r\n"))).failure
        guard case .authenticationFailed? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }
}
