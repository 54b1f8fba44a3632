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
        if capabilities.mechanisms.contains("PLAIN") {
            // RFC 4616 section 2.
            let token = Base64.encode(Array("\0\(username)\0\(password)".utf8))
            return authenticate("AUTH PLAIN \(token)", answers: [token])
        }
        if capabilities.mechanisms.contains("LOGIN") {
            let answers = [username, password].map { Base64.encode($0.utf8) }
            return authenticate("AUTH LOGIN", answers: answers)
        }
        return violation("it offers neither AUTH PLAIN nor AUTH LOGIN for the credentials of the settings")
    }

    private mutating func authenticate(_ command: String, answers: [String]) -> [Action] {
        state = .authenticating(answers: answers)
        return [Self.line(command), .wait(.command)]
    }

    mutating func authenticated(_ reply: SMTPReply, _ answers: [String]) -> [Action] {
        if reply.isPositive { return open() }
        if reply.code == 334, let answer = answers.first {
            return authenticate(answer, answers: Array(answers.dropFirst()))
        }
        guard reply.code >= 400 else { return violation("it answers AUTH with \(reply.code)") }
        return fail(.authenticationFailed(relay: settings.relay, reply: reply))
    }

    private mutating func open() -> [Action] {
        state = .idle
        let security = isSecure ? "TLS" : "no TLS"
        let login = settings.credentials == nil ? "no login" : "logged in"
        return [.opened("\(greeting) (\(security), \(login))")]
    }
}
