internal import NIOCore

/// Sends the content of a message, with the commands of the next message behind it.
extension SMTPSession {
    /// Writes the content, and behind it the commands of the next message. While a next message waits, the short time
    /// limit applies, because its caller should not pay for a slow content filter.
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
            encoder.write(next, to: &commands)
            actions.append(.write(commands))
        }
        return actions + [.wait(self.next == nil ? .data : .next)]
    }

    /// Moves the next message to another connection, because the relay is slow with the content before it. Its
    /// commands have been sent, but none of its content.
    mutating func releaseNext() -> [Action] {
        next = nil
        endsAfterContent = true
        return [.releaseNext, .wait(.data)]
    }

    /// Encodes the content: with DATA up to the lone dot, or as one BDAT chunk.
    private func content(of message: SMTPMessage) -> [Action] {
        guard capabilities.chunking else {
            let content = ContentEncoder.encode(message.content, stuffsDots: true)
            return [.write(content), .write(ByteBuffer(staticString: ".\r\n"))]
        }
        let content = ContentEncoder.encode(message.content, stuffsDots: false)
        return [Self.line("BDAT \(content.readableBytes) LAST"), .write(content)]
    }

    /// Reports the outcome and continues with the next message, whose commands the relay is already answering.
    mutating func contentAnswered(_ outcomes: [SMTPRecipientOutcome]) -> [Action] {
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

    /// Abandons a message whose caller has left. A message whose content has been sent is still awaited: `cancelled`
    /// never means a sent message.
    mutating func abandon(_ isNext: Bool) -> [Action] {
        // The commands of the next message are already sent, so the connection ends after the message before it,
        // which is not disturbed.
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
