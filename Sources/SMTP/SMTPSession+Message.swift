internal import NIOCore

/// One message (RFC 5321 section 3.3). With PIPELINING, everything up to DATA goes out in one write (RFC 2920), and that
/// of the next message with the content of this one. With CHUNKING the content follows its recipients in BDAT, without
/// DATA and dots (RFC 3030).
extension SMTPSession {
    /// Why this relay cannot be given a message at all; nil if it can.
    func fault(of message: SMTPMessage) -> Result<[SMTPRecipientOutcome], SMTPError>? {
        if let limit = capabilities.sizeLimit, message.size > limit {
            // RFC 1870 section 6.1, without asking.
            return message.refused(552, "5.3.4", "the message of \(message.size) bytes is over the relay's \(limit)")
        }
        if message.isInternational, !capabilities.smtpUTF8 {
            // RFC 6531 section 3.5.
            return message.refused(553, "5.6.7", "the relay takes no addresses with letters beyond ASCII")
        }
        if message.isEightBit, !capabilities.eightBitMIME {
            let reason = "it does not offer 8BITMIME, and the content is not 7-bit; encode it as quoted-printable"
            return .failure(.protocolViolation(relay: settings.relay, reason: reason))
        }
        return nil
    }

    /// Whether a message may go out behind the content of the one under way.
    var takesNext: Bool {
        guard case .transaction(let transaction) = state, transaction.step == .contentDue else { return false }
        return capabilities.pipelining && messages < settings.messagesPerConnection
    }

    mutating func begin(_ message: SMTPMessage) -> [Action] {
        guard case .idle = state else { return [] }
        messages += 1
        state = .transaction(SMTPTransaction(message))
        var commands = ByteBuffer()
        write(message, &commands)
        return [.write(commands), .wait(.command)]
    }

    private func write(_ message: SMTPMessage, _ buffer: inout ByteBuffer) {
        writeSender(message, &buffer)
        guard capabilities.pipelining else { return }
        for recipient in message.recipients { writeRecipient(recipient, message, &buffer) }
        if !capabilities.chunking { buffer.writeStaticString("DATA\r\n") }
    }

    private func writeSender(_ message: SMTPMessage, _ buffer: inout ByteBuffer) {
        buffer.writeStaticString("MAIL FROM:<")
        buffer.writeString(message.sender)
        buffer.writeStaticString(">")
        if capabilities.sizeLimit != nil {
            buffer.writeStaticString(" SIZE=")
            buffer.writeString(String(message.size))
        }
        if message.isEightBit { buffer.writeStaticString(" BODY=8BITMIME") }
        if message.isInternational { buffer.writeStaticString(" SMTPUTF8") }
        if capabilities.dsn, let id = message.envelopeID {
            buffer.writeStaticString(" RET=HDRS ENVID=")
            buffer.writeString(XText.encode(id))
        }
        buffer.writeStaticString("\r\n")
    }

    private func writeRecipient(_ recipient: String, _ message: SMTPMessage, _ buffer: inout ByteBuffer) {
        buffer.writeStaticString("RCPT TO:<")
        buffer.writeString(recipient)
        buffer.writeStaticString(">")
        // RFC 3461 section 4; an international address would need a type of its own (RFC 6533 section 3).
        if capabilities.dsn, message.envelopeID != nil {
            buffer.writeStaticString(" NOTIFY=FAILURE,DELAY")
            if !message.isInternational {
                buffer.writeStaticString(" ORCPT=rfc822;")
                buffer.writeString(XText.encode(recipient))
            }
        }
        buffer.writeStaticString("\r\n")
    }

    // MARK: Replies

    mutating func answered(_ parsed: ReplyParser.Parsed, _ old: SMTPTransaction) -> [Action] {
        var transaction = old
        transaction.hasReply = true
        let isExpected = transaction.step == .data ? parsed.code == 354 : (200..<300).contains(parsed.code)
        guard isExpected || parsed.code >= 400 else {
            return violation("\(parsed.reply) does not answer the stage \(transaction.stage.rawValue)")
        }
        switch transaction.step {
        case .sender:
            transaction.senderRefusal = isExpected ? nil : parsed.reply
            return askRecipient(0, transaction)
        case .recipient(let index):
            if !isExpected { transaction.refuse(index, parsed.reply) }
            return askRecipient(index + 1, transaction)
        case .data:
            return dataAnswered(parsed, isExpected, transaction)
        case .contentDue:
            return violation("it said more than it was asked for: \(parsed.reply)")
        case .content:
            return contentAnswered(transaction.outcomes(parsed.reply))
        }
    }

    /// Goes on to a recipient, or to the content behind the last.
    private mutating func askRecipient(_ index: Int, _ old: SMTPTransaction) -> [Action] {
        var transaction = old
        let recipients = transaction.message.recipients
        let isLast = index == recipients.count
        let isRefused = transaction.senderRefusal != nil || (isLast && !transaction.anyAccepted)
        if isRefused, !capabilities.pipelining || (isLast && capabilities.chunking) {
            return reset(transaction.refusal(relay: settings.relay))
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
        writeRecipient(recipients[index], transaction.message, &command)
        return [.write(command), .wait(.command)]
    }

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
            // The relay waits for content although nobody is to have it (RFC 2920 section 3.1).
            state = .settling(isReset: false)
            return [.finished(transaction.refusal(relay: settings.relay)), Self.line("."), .wait(.command)]
        case (false, true):
            return reset(.success(transaction.outcomes(parsed.reply)))
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

    // MARK: Content

    mutating func sendContent(_ next: SMTPMessage?) -> [Action] {
        guard case .transaction(var transaction) = state, transaction.step == .contentDue else { return [] }
        let next = takesNext ? next : nil
        transaction.step = .content
        state = .transaction(transaction)
        var actions = content(of: transaction.message)
        if let next {
            messages += 1
            self.next = SMTPTransaction(next)
            var commands = ByteBuffer()
            write(next, &commands)
            actions.append(.write(commands))
        }
        return actions + [.wait(self.next == nil ? .data : .next)]
    }

    /// The relay takes its time with the content, and so with what is behind it, which goes over another connection: its
    /// commands are out, but no content of it.
    mutating func releaseNext() -> [Action] {
        next = nil
        endsAfterContent = true
        return [.releaseNext, .wait(.data)]
    }

    private func content(of message: SMTPMessage) -> [Action] {
        guard capabilities.chunking else {
            let content = ContentEncoder.encode(message.content, stuffsDots: true)
            return [.write(content), .write(ByteBuffer(staticString: ".\r\n"))]
        }
        let content = ContentEncoder.encode(message.content, stuffsDots: false)
        return [Self.line("BDAT \(content.readableBytes) LAST"), .write(content)]
    }

    private mutating func contentAnswered(_ outcomes: [SMTPRecipientOutcome]) -> [Action] {
        let end = Action.finished(.success(outcomes))
        if let next {
            state = .transaction(next)
            self.next = nil
            return [end, .wait(.command)]
        }
        if endsAfterContent { return [end] + close() }
        state = .idle
        return [end]
    }

    /// Once the content is out, its outcome is worth the wait: only so is `cancelled` never a sent message.
    mutating func abandon(_ isNext: Bool) -> [Action] {
        // Its end is that of the connection, since its commands are out; the message before it is not to suffer.
        if isNext {
            guard next != nil else { return [] }
            next = nil
            endsAfterContent = true
            return []
        }
        guard case .transaction(let transaction) = state, !transaction.contentSent else { return [] }
        state = .closed
        return [.finished(.failure(.cancelled)), .close]
    }
}

extension SMTPMessage {
    /// For all its recipients.
    fileprivate func refused(_ code: Int, _ enhanced: String, _ text: String) -> Result<
        [SMTPRecipientOutcome], SMTPError
    > {
        let reply = SMTPReply(code: code, enhancedCode: enhanced, text: text)
        return .success(recipients.map { _ in .refused(reply) })
    }
}
