import NIOCore

@testable import SMTP

/// Drives a session. The test plays the relay line by line.
struct Driver {
    var session: SMTPSession
    static let relay = "relay.example:25"

    init(_ security: SMTPSecurity = .none, user: String? = nil, perConnection: Int = 1000) {
        var settings = SMTPSettings(
            host: "relay.example", port: 25, security: security, username: user, password: user.map { _ in "secret" })
        settings.messagesPerConnection = perConnection
        session = SMTPSession(settings: settings, heloName: "client.example")
        _ = session.handle(.connected(isSecure: security == .implicitTLS))
    }

    /// A session that is ready for a message.
    static func ready(_ extensions: String..., perConnection: Int = 1000) -> Driver {
        var driver = Driver(perConnection: perConnection)
        _ = driver.says("220 hi")
        let lines = ["250-relay.example"] + extensions.map { "250-" + $0 } + ["250 HELP"]
        _ = driver.says(lines.joined(separator: "\r\n"))
        return driver
    }

    mutating func says(_ lines: String) -> [SMTPSession.Action] {
        session.handle(.received(ByteBuffer(string: lines + "\r\n")))
    }

    mutating func send(
        _ recipients: String..., content: String = "hi\n", envelopeID: String? = nil
    ) throws -> [SMTPSession.Action] {
        session.handle(.send(try Self.message(recipients, content, envelopeID)))
    }

    static func message(
        _ recipients: [String], _ content: String = "hi\n", _ envelopeID: String? = nil
    ) throws -> SMTPMessage {
        try SMTPMessage(
            sender: "a@b.example", recipients: recipients, content: ByteBuffer(string: content), envelopeID: envelopeID)
    }

    /// Answers `contentDue` as the handler does.
    mutating func content(next: SMTPMessage? = nil) -> [SMTPSession.Action] {
        session.handle(.sendContent(next: next))
    }

    /// Passes the relay's lines on, and sends the content once the relay asks for it.
    mutating func sendsContent(after lines: String) -> [SMTPSession.Action] {
        let actions = says(lines)
        return actions.last == .contentDue ? actions.dropLast() + content() : actions
    }
}

extension [SMTPSession.Action] {
    var written: String {
        map { if case .write(let bytes) = $0 { String(buffer: bytes) } else { "" } }.joined()
    }
    var outcome: Result<[SMTPRecipientOutcome], SMTPError>? {
        compactMap { if case .finished(let outcome) = $0 { outcome } else { nil } }.first
    }
    var failure: SMTPError? {
        compactMap { if case .failed(let error) = $0 { error } else { nil } }.first
    }
}
