internal import Foundation
internal import NIOCore

/// The opening of a connection: greeting, EHLO, STARTTLS and AUTH.
extension SMTPSession {
    mutating func connected(_ isSecure: Bool) -> [Action] {
        self.isSecure = isSecure
        state = .greeting
        return [.wait(.command)]
    }

    /// Handles the greeting (RFC 5321 section 3.1).
    mutating func greeted(_ reply: SMTPReply) -> [Action] {
        guard reply.code == 220 else {
            return reply.code >= 400 ? rejected(reply) : violation("it greets with \(reply)")
        }
        greeting = "\(reply)"
        return hello()
    }

    private mutating func hello() -> [Action] {
        state = .hello(isFallBack: false)
        return [Self.line("EHLO \(heloName)"), .wait(.command)]
    }

    /// Handles the reply to EHLO. HELO follows only if EHLO fails for good, as it does on old relays (RFC 5321
    /// section 3.2).
    mutating func helloAnswered(_ parsed: ReplyParser.Parsed, _ isFallBack: Bool) -> [Action] {
        let reply = parsed.reply
        if reply.code == 250 {
            capabilities = isFallBack ? Capabilities() : Capabilities(lines: parsed.lines)
            return secure()
        }
        if reply.isPermanent, !isFallBack {
            state = .hello(isFallBack: true)
            return [Self.line("HELO \(heloName)"), .wait(.command)]
        }
        return reply.code >= 400 ? rejected(reply) : violation("it answers EHLO with \(reply)")
    }

    // MARK: TLS (RFC 3207)

    /// Starts TLS if the settings ask for it and it is not active yet.
    private mutating func secure() -> [Action] {
        if isSecure || settings.security == .none { return authenticate() }
        guard capabilities.startTLS else { return continueWithoutTLS() }
        state = .startTLS
        return [Self.line("STARTTLS"), .wait(.command)]
    }

    mutating func startTLSAnswered(_ reply: SMTPReply) -> [Action] {
        guard reply.code == 220 else { return continueWithoutTLS() }
        // Bytes that arrived before the handshake may come from an attacker.
        parser.reset()
        state = .securing
        return [.startTLS, .wait(.command)]
    }

    /// Starts over with EHLO, and forgets everything learnt without TLS (RFC 3207 section 4.2).
    mutating func secured() -> [Action] {
        guard case .securing = state else { return [] }
        isSecure = true
        capabilities = Capabilities()
        return hello()
    }

    /// Continues without TLS where it is opportunistic, and fails otherwise.
    private mutating func continueWithoutTLS() -> [Action] {
        guard settings.security == .startTLSOpportunistic else { return fail(.tlsRequired(relay: settings.relay)) }
        return authenticate()
    }

    // MARK: AUTH (RFC 4954)

    /// Logs in with the best mechanism that both sides support. Credentials leave without TLS only for a loopback
    /// host.
    private mutating func authenticate() -> [Action] {
        guard let (username, password) = settings.credentials else { return open() }
        guard isSecure || settings.isLoopback else { return fail(.tlsRequired(relay: settings.relay)) }
        let wanted = settings.authentication.map { [$0] } ?? SMTPAuthentication.preferred
        guard let authentication = wanted.first(where: { capabilities.mechanisms.contains($0.mechanism) }) else {
            let names = wanted.map(\.mechanism).joined(separator: ", ")
            return violation("it offers none of AUTH \(names), which the credentials need")
        }
        let nonce = Data((0..<18).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
        let client = SASLClient(authentication, username: username, password: password, nonce: nonce)
        state = .authenticating(client)
        return [Self.line(client.command), .wait(.command)]
    }

    /// Handles a reply within AUTH: success, a challenge or a rejection.
    mutating func authenticated(_ reply: SMTPReply, _ old: SASLClient) -> [Action] {
        var client = old
        if reply.isPositive {
            return client.isSatisfied ? open() : violation("it did not prove that it knows the password")
        }
        if reply.code == 334 {
            guard let answer = client.answer(reply.text) else { return violation("its challenge cannot be answered") }
            state = .authenticating(client)
            return [Self.line(answer), .wait(.command)]
        }
        guard reply.code >= 400 else { return violation("it answers AUTH with \(reply.code)") }
        return fail(.authenticationFailed(relay: settings.relay, reply: reply))
    }

    private mutating func open() -> [Action] {
        state = .idle
        return []
    }

    /// The relay's greeting, with the connection's security and login.
    var summary: String {
        let security = isSecure ? "TLS" : "no TLS"
        let login = settings.credentials == nil ? "no login" : "logged in"
        return "\(greeting) (\(security), \(login))"
    }
}
