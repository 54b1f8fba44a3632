internal import NIOCore

/// One message (RFC 5321 section 3.3). With PIPELINING, everything up to DATA goes out in one write (RFC 2920).
extension SMTPSession {
    mutating func begin(_ message: SMTPMessage) -> [Action] {
        guard case .idle = state else { return [] }
        let isEightBit = message.content.readableBytesView.contains { $0 > 127 }
        guard !isEightBit || capabilities.eightBitMIME else {
            let reason = "it does not offer 8BITMIME, and the content is not 7-bit; encode it as quoted-printable"
            let error = SMTPError.protocolViolation(relay: settings.relay, reason: reason)
            return [.finished(.failure(error)), .wait(.idle), .idle]
        }
        messages += 1
        state = .transaction(SMTPTransaction(message))
        return [.write(commands(for: message, isEightBit)), .wait(.command)]
    }

    private func commands(for message: SMTPMessage, _ isEightBit: Bool) -> ByteBuffer {
        var buffer = ByteBuffer(string: "MAIL FROM:<\(message.sender)>")
        if capabilities.size { buffer.writeString(" SIZE=\(message.content.readableBytes)") }
        if isEightBit { buffer.writeString(" BODY=8BITMIME") }
        buffer.writeString("\r\n")
        guard capabilities.pipelining else { return buffer }
        for recipient in message.recipients { buffer.writeString("RCPT TO:<\(recipient)>\r\n") }
        buffer.writeString("DATA\r\n")
        return buffer
    }

    mutating func answered(_ reply: SMTPReply, _ old: SMTPTransaction) -> [Action] {
        var transaction = old
        transaction.hasReply = true
        let isExpected = transaction.step == .data ? reply.code == 354 : reply.isPositive
        guard isExpected || reply.code >= 400 else {
            return violation("\(reply) does not answer the stage \(transaction.stage.rawValue)")
        }
        switch transaction.step {
        case .sender:
            transaction.senderRefusal = isExpected ? nil : reply
            return askRecipient(0, transaction)
        case .recipient(let index):
            transaction.refusals.append(isExpected ? nil : reply)
            return askRecipient(index + 1, transaction)
        case .data:
            return dataAnswered(reply, isExpected, transaction)
        case .content:
            state = .idle
            return [.finished(.success(transaction.outcomes(reply)))]
        }
    }

    /// Goes on to a recipient, or to DATA behind the last.
    private mutating func askRecipient(_ index: Int, _ old: SMTPTransaction) -> [Action] {
        var transaction = old
        let recipients = transaction.message.recipients
        let isLast = index == recipients.count
        transaction.step = isLast ? .data : .recipient(index)
        if capabilities.pipelining {
            state = .transaction(transaction)
            return [.wait(.command)]
        }
        if transaction.senderRefusal != nil || (isLast && !transaction.anyAccepted) {
            return reset(transaction.refusal(relay: settings.relay))
        }
        state = .transaction(transaction)
        return [Self.line(isLast ? "DATA" : "RCPT TO:<\(recipients[index])>"), .wait(.command)]
    }

    private mutating func dataAnswered(
        _ reply: SMTPReply, _ mayContinue: Bool, _ old: SMTPTransaction
    ) -> [Action] {
        var transaction = old
        switch (mayContinue, transaction.anyAccepted) {
        case (true, true):
            transaction.step = .content
            state = .transaction(transaction)
            return [.write(ContentEncoder.encode(transaction.message.content)), .wait(.data)]
        case (true, false):
            // The relay waits for content although nobody is to have it (RFC 2920 section 3.1).
            state = .settling(isReset: false)
            return [.finished(transaction.refusal(relay: settings.relay)), Self.line("."), .wait(.command)]
        case (false, true):
            return reset(.success(transaction.outcomes(reply)))
        case (false, false):
            return reset(transaction.refusal(relay: settings.relay))
        }
    }

    /// The outcome is known; the connection is made fit for the next message (RFC 5321 section 4.1.1.5).
    private mutating func reset(_ outcome: Result<[SMTPRecipientOutcome], SMTPError>) -> [Action] {
        state = .settling(isReset: true)
        return [.finished(outcome), Self.line("RSET"), .wait(.command)]
    }

    /// A lone dot may be refused, RSET not.
    mutating func settled(_ reply: SMTPReply, _ isReset: Bool) -> [Action] {
        guard reply.isPositive || (!isReset && reply.code >= 400) else {
            return violation("it answers RSET with \(reply)")
        }
        state = .idle
        return []
    }
}
