internal import Foundation
internal import NIOCore

/// From the TCP connection to the first message.
extension SMTPSession {
    mutating func connected(_ isSecure: Bool) -> [Action] {
        self.isSecure = isSecure
        state = .greeting
        return [.wait(.command)]
    }

    /// RFC 5321 section 3.1.
    mutating func greeted(_ reply: SMTPReply) -> [Action] {
        guard reply.code == 220 else {
            return reply.code >= 400 ? refused(reply) : violation("it greets with \(reply)")
        }
        greeting = "\(reply)"
        return hello()
    }

    private mutating func hello() -> [Action] {
        state = .hello(isFallBack: false)
        return [Self.line("EHLO \(heloName)"), .wait(.command)]
    }

    /// HELO only when EHLO is refused for good, as old relays do (RFC 5321 section 3.2).
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
        return reply.code >= 400 ? refused(reply) : violation("it answers EHLO with \(reply)")
    }

    // MARK: TLS (RFC 3207)

    private mutating func secure() -> [Action] {
        if isSecure || settings.security == .none { return authenticate() }
        guard capabilities.startTLS else { return goOnInTheClear() }
        state = .startTLS
        return [Self.line("STARTTLS"), .wait(.command)]
    }

    mutating func startTLSAnswered(_ reply: SMTPReply) -> [Action] {
        guard reply.code == 220 else { return goOnInTheClear() }
        // What else came in the clear is anybody's.
        parser.reset()
        state = .securing
        return [.startTLS, .wait(.command)]
    }

    /// What was learnt in the clear is forgotten (RFC 3207 section 4.2).
    mutating func secured() -> [Action] {
        guard case .securing = state else { return [] }
        isSecure = true
        capabilities = Capabilities()
        return hello()
    }

    private mutating func goOnInTheClear() -> [Action] {
        guard settings.security == .startTLSOpportunistic else { return fail(.tlsRequired(relay: settings.relay)) }
        return authenticate()
    }

    // MARK: AUTH (RFC 4954)

    private mutating func authenticate() -> [Action] {
        guard let (username, password) = settings.credentials else { return open() }
        guard isSecure || settings.isLoopback else { return fail(.tlsRequired(relay: settings.relay)) }
        let wanted = settings.authentication.map { [$0] } ?? SMTPAuthentication.preferred
        guard let authentication = wanted.first(where: { capabilities.mechanisms.contains($0.mechanism) }) else {
            let names = wanted.map(\.mechanism).joined(separator: ", ")
            return violation("it offers none of AUTH \(names) for the credentials of the settings")
        }
        let nonce = Data((0..<18).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
        let client = SASLClient(authentication, username: username, password: password, nonce: nonce)
        state = .authenticating(client)
        return [Self.line(client.command), .wait(.command)]
    }

    mutating func authenticated(_ reply: SMTPReply, _ old: SASLClient) -> [Action] {
        var client = old
        if reply.isPositive {
            return client.isSatisfied ? open() : violation("it does not prove that it knows the password")
        }
        if reply.code == 334 {
            guard let answer = client.answer(reply.text) else { return violation("its challenge has no answer") }
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

    /// What the relay said of itself.
    var summary: String {
        let security = isSecure ? "TLS" : "no TLS"
        let login = settings.credentials == nil ? "no login" : "logged in"
        return "\(greeting) (\(security), \(login))"
    }
}
