import NIOCore
import Testing

@testable import SMTP

@Suite struct SessionOpeningTests {
    @Test func plain() {
        var driver = Driver()
        #expect(driver.says("220 hi").written == "EHLO client.example\r\n")
        let actions = driver.says("250-relay\r\n250 PIPELINING")
        #expect(actions == [.opened("220 hi (no TLS, no login)"), .wait(.idle), .idle])
        #expect(driver.session.capabilities.pipelining)
    }

    @Test func greetingRefused() {
        for code in ["421", "450", "554"] {
            var driver = Driver()
            let actions = driver.says("\(code) no")
            let reply = SMTPReply(code: Int(code) ?? 0, text: "no")
            #expect(actions == [.failed(.relayRejected(relay: Driver.relay, reply: reply)), .close])
        }
    }

    @Test func heloFallBack() {
        var driver = Driver()
        _ = driver.says("220 hi")
        #expect(driver.says("502 what").written == "HELO client.example\r\n")
        #expect(driver.says("250 relay").last == .idle)
        var refused = Driver()
        _ = refused.says("220 hi")
        _ = refused.says("502 what")
        #expect(refused.says("550 no").failure != nil)
    }

    @Test func ehloTransient() {
        var driver = Driver()
        _ = driver.says("220 hi")
        #expect(driver.says("450 later").last == .close)
    }

    @Test func startTLSForgetsThePlainText() {
        var driver = Driver(.startTLSRequired, user: "u")
        _ = driver.says("220 hi")
        #expect(driver.says("250-relay\r\n250-AUTH PLAIN\r\n250 STARTTLS").written == "STARTTLS\r\n")
        let actions = driver.says("220 go\r\n250-evil\r\n250 AUTH LOGIN")
        #expect(actions == [.startTLS, .wait(.command)])
        #expect(driver.says("250 evil").isEmpty)
        #expect(driver.session.handle(.secured).written == "EHLO client.example\r\n")
        #expect(driver.session.capabilities == Capabilities())
        #expect(driver.says("250-relay\r\n250 AUTH PLAIN").written == "AUTH PLAIN AHUAc2VjcmV0\r\n")
        #expect(driver.says("235 ok").first == .opened("220 hi (TLS, logged in)"))
    }

    @Test func startTLSStripped() {
        var driver = Driver(.startTLSRequired)
        _ = driver.says("220 hi")
        #expect(driver.says("250 relay").failure == .tlsRequired(relay: Driver.relay))
        var refused = Driver(.startTLSRequired)
        _ = refused.says("220 hi")
        _ = refused.says("250-relay\r\n250 STARTTLS")
        #expect(refused.says("454 later").failure == .tlsRequired(relay: Driver.relay))
    }

    @Test func opportunisticGoesOnWithoutCredentialsOnly() {
        var driver = Driver(.startTLSOpportunistic)
        _ = driver.says("220 hi")
        #expect(driver.says("250 relay").last == .idle)
        var login = Driver(.startTLSOpportunistic, user: "u")
        _ = login.says("220 hi")
        #expect(login.says("250-relay\r\n250 AUTH PLAIN").failure == .tlsRequired(relay: Driver.relay))
    }

    @Test func handshakeFails() {
        var driver = Driver(.startTLSRequired)
        _ = driver.says("220 hi")
        _ = driver.says("250-relay\r\n250 STARTTLS")
        _ = driver.says("220 go")
        let failure = driver.session.handle(.securingFailed("bad")).failure
        #expect(failure == .tlsFailed(relay: Driver.relay, reason: "bad"))
    }

    @Test func authLogin() {
        var driver = Driver(.implicitTLS, user: "u")
        _ = driver.says("220 hi")
        #expect(driver.says("250-relay\r\n250 AUTH LOGIN").written == "AUTH LOGIN\r\n")
        #expect(driver.says("334 VXNlcm5hbWU6").written == "dQ==\r\n")
        #expect(driver.says("334 UGFzc3dvcmQ6").written == "c2VjcmV0\r\n")
        let reply = SMTPReply(code: 535, enhancedCode: "5.7.8", text: "no")
        let failure = driver.says("535 5.7.8 no").failure
        #expect(failure == .authenticationFailed(relay: Driver.relay, reply: reply))
    }

    @Test func noMechanism() {
        var driver = Driver(.implicitTLS, user: "u")
        _ = driver.says("220 hi")
        #expect(driver.says("250-relay\r\n250 AUTH GSSAPI").last == .close)
    }

    @Test func timeAndLoss() {
        var late = Driver()
        #expect(late.session.handle(.timedOut).failure == .timedOut(relay: Driver.relay, stage: .greeting))
        var lost = Driver()
        _ = lost.says("220 hi")
        let failure = lost.session.handle(.closed).failure
        #expect(failure == .connectionLost(relay: Driver.relay, stage: .hello, contentSent: false))
        #expect(lost.session.handle(.closed).isEmpty)
    }

    @Test func notSMTP() {
        var driver = Driver()
        #expect(driver.says("SSH-2.0-OpenSSH").last == .close)
    }
}
