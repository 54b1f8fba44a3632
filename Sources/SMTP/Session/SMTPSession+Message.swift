internal import NIOCore

/// The commands and replies of one message (RFC 5321 section 3.3).
///
/// With PIPELINING, everything up to DATA leaves in one write (RFC 2920), and the commands of the next message leave
/// with the content of this one. With CHUNKING, BDAT carries the content right behind the recipients, without DATA
/// and without dot-stuffing (RFC 3030).
extension SMTPSession {
    var encoder: CommandEncoder { CommandEncoder(capabilities: capabilities) }

    /// The reason why this relay cannot carry a message at all. Nil if it can.
    func fault(of message: SMTPMessage) -> Result<[SMTPRecipientOutcome], SMTPError>? {
        if let limit = capabilities.sizeLimit, message.size > limit {
            // The outcome of RFC 1870 section 6.1, without asking the relay.
            return message.rejected(
                552, "5.3.4", "the message has \(message.size) bytes, and the relay accepts \(limit)")
        }
        if message.isInternational, !capabilities.smtpUTF8 {
            // RFC 6531 section 3.5.
            return message.rejected(553, "5.6.7", "the relay does not accept addresses beyond ASCII")
        }
        if message.isEightBit, !capabilities.eightBitMIME {
            let reason = "it does not offer 8BITMIME, and the content is not 7-bit; encode it as quoted-printable"
            return .failure(.protocolViolation(relay: settings.relay, reason: reason))
        }
        return nil
    }

    /// Whether another message's commands may go out behind the content of the message under way.
    var takesNext: Bool {
        guard case .transaction(let transaction) = state, transaction.step == .contentDue else { return false }
        return capabilities.pipelining && messages < settings.messagesPerConnection
    }

    /// Starts a message: the envelope up to DATA with PIPELINING, otherwise MAIL alone.
    mutating func begin(_ message: SMTPMessage) -> [Action] {
        guard case .idle = state else { return [] }
        messages += 1
        state = .transaction(SMTPTransaction(message))
        var commands = ByteBuffer()
        encoder.write(message, to: &commands)
        return [.write(commands), .wait(.command)]
    }

    // MARK: Replies

    /// Handles a reply within a message. The step of the transaction tells which command it answers.
    mutating func answered(_ parsed: ReplyParser.Parsed, _ old: SMTPTransaction) -> [Action] {
        var transaction = old
        transaction.hasReply = true
        let isExpected = transaction.step == .data ? parsed.code == 354 : (200..<300).contains(parsed.code)
        guard isExpected || parsed.code >= 400 else {
            return violation("\(parsed.reply) does not answer the stage \(transaction.stage.rawValue)")
        }
        switch transaction.step {
        case .sender:
            transaction.senderRejection = isExpected ? nil : parsed.reply
            return askRecipient(0, transaction)
        case .recipient(let index):
            if !isExpected { transaction.reject(index, parsed.reply) }
            return askRecipient(index + 1, transaction)
        case .data:
            return dataAnswered(parsed, isExpected, transaction)
        case .contentDue:
            return violation("it sent a reply to no command: \(parsed.reply)")
        case .content:
            return contentAnswered(transaction.outcomes(parsed.reply))
        }
    }

    /// Continues with a recipient, or with the content after the last one.
    private mutating func askRecipient(_ index: Int, _ old: SMTPTransaction) -> [Action] {
        var transaction = old
        let recipients = transaction.message.recipients
        let isLast = index == recipients.count
        let isRejected = transaction.senderRejection != nil || (isLast && !transaction.anyAccepted)
        if isRejected, !capabilities.pipelining || (isLast && capabilities.chunking) {
            return reset(transaction.rejection(relay: settings.relay))
        }
        if isLast, capabilities.chunking {
            transaction.step = .contentDue
            state = .transaction(transaction)
            return [.contentDue]
        }
        transaction.step = isLast ? .data : .recipient(index)
        state = .transaction(transaction)
        if capabilities.pipelining { return [.wait(.command)] }
        if isLast { return [Self.line("DATA"), .wait(.command)] }
        var command = ByteBuffer()
        encoder.writeRecipient(recipients[index], of: transaction.message, to: &command)
        return [.write(command), .wait(.command)]
    }

    /// Handles the reply to DATA. With PIPELINING, the relay may ask for content although it rejected every
    /// recipient.
    private mutating func dataAnswered(
        _ parsed: ReplyParser.Parsed, _ mayContinue: Bool, _ old: SMTPTransaction
    ) -> [Action] {
        var transaction = old
        switch (mayContinue, transaction.anyAccepted) {
        case (true, true):
            transaction.step = .contentDue
            state = .transaction(transaction)
            return [.contentDue]
        case (true, false):
            // The relay asks for content although it accepted no recipient (RFC 2920 section 3.1). A lone dot ends
            // it.
            state = .settling(isReset: false)
            return [.finished(transaction.rejection(relay: settings.relay)), Self.line("."), .wait(.command)]
        case (false, true):
            return reset(.success(transaction.outcomes(parsed.reply)))
        case (false, false):
            return reset(transaction.rejection(relay: settings.relay))
        }
    }

    /// Reports the outcome and resets the connection for the next message (RFC 5321 section 4.1.1.5).
    private mutating func reset(_ outcome: Result<[SMTPRecipientOutcome], SMTPError>) -> [Action] {
        state = .settling(isReset: true)
        return [.finished(outcome), Self.line("RSET"), .wait(.command)]
    }

    /// Handles the reply to RSET or to a lone dot. The relay may reject the dot, but not RSET.
    mutating func settled(_ reply: SMTPReply, _ isReset: Bool) -> [Action] {
        guard reply.isPositive || (!isReset && reply.code >= 400) else {
            return violation("it answers RSET with \(reply)")
        }
        state = .idle
        return []
    }
}

extension SMTPMessage {
    /// The same rejection for each recipient.
    fileprivate func rejected(_ code: Int, _ enhanced: String, _ text: String) -> Result<
        [SMTPRecipientOutcome], SMTPError
    > {
        let reply = SMTPReply(code: code, enhancedCode: enhanced, text: text)
        return .success(recipients.map { _ in .rejected(reply) })
    }
}
