/// The judgement of a mail that was not delivered, the same whether the relay refused it or a report came back later:
/// does the address take no mail any more, or at present, or is it not the address's fault at all?
package enum MailVerdict: Sendable, Equatable {
    /// The mailbox does not exist, or is turned off for good. In words.
    case gone(String)
    /// The mailbox, or the way to it, takes nothing at present. In words.
    case trouble(String)
    /// A fault of the sender, its relay or the message, or a policy about these: it says nothing of the address.
    case ofTheSender

    /// `status` is an enhanced status code (RFC 3463), or nil; `text` is what was said. The surest sign decides first: whose
    /// fault the words say it is, then what they say of the mailbox, then what the code says.
    package init(status: String?, text: String?) {
        let code = Code(status)
        let words = Self.words(of: text ?? "")
        self =
            Self.verdict(ofWords: words, code) ?? Self.verdict(ofCode: code, words)
            ?? .trouble(
                code.subject == 2 ? "the mailbox takes no mail at present" : "mail to it could not be delivered")
    }

    private static func verdict(ofWords words: String, _ code: Code) -> MailVerdict? {
        if words.contains(any: takesNoMail), !words.contains(any: sendersName) { return .gone(noMailHere) }
        if words.contains(any: aboutTheSender) || code.kind == 5 && code.isAnyOf((4, 5)) {
            return .ofTheSender
        }
        if words.contains(any: full) || code.isAnyOf((2, 2)) {
            return .trouble(code.isAnyOf((3, 1)) ? "its mail server is full" : "the mailbox is full")
        }
        if words.contains(any: suspended) { return .trouble("the mailbox is suspended at present") }
        if words.contains(any: ofTheReceiver) { return .trouble("the receiver does not take this mail") }
        if words.contains(any: gaveUp), !code.saysGone, !code.isAnyOf((4, 3), (4, 4)) {
            return .trouble("its mail server was not reached in time")
        }
        guard code.kind != 4 else { return nil }
        // Exchange Online says no more of addresses that its directory does not have.
        let isUnknown = words.contains(any: unknown) || code.isAnyOf((4, 1)) && words.contains("access denied")
        if isUnknown { return .gone("the mailbox does not exist") }
        if code.isAnyOf((7, 13)) && words.contains("recipient") || ![3, 6, 7].contains(code.subject),
            words.contains(any: disabled)
        {
            return .gone("the mailbox is turned off for good")
        }
        // With "try again" the relay cannot look the domain up; it does not say that the domain is missing.
        if words.contains(any: noSuchHost), !words.contains("try again") { return .gone("its domain does not exist") }
        return nil
    }

    private static func verdict(ofCode code: Code, _ words: String) -> MailVerdict? {
        if code.isAnyOf((3, 4), (2, 3), (4, 6), (4, 14), (1, 7), (1, 8)) || [6, 7].contains(code.subject)
            || code.subject == 5 && code.detail > 0 || words.contains(any: senders)
        {
            return .ofTheSender
        }
        if words.contains(any: later), !code.saysGone, !code.isAnyOf((4, 3), (4, 4)) {
            return .trouble("its mail server was not reached in time")
        }
        if code.isAnyOf((4, 3), (4, 4)) { return .ofTheSender }
        if code.kind == 5, let why = goneCodes[Code.Key(code.subject, code.detail)] { return .gone(why) }
        // The words of RFC 5321 for 550; some providers say no more of addresses that are not there.
        if code.kind == 5, [0, 1, 5].contains(code.subject), words.contains("mailbox unavailable") {
            return .gone("the mailbox does not exist")
        }
        return nil
    }

    /// Whether a line without a code says, in words that are known, that a mailbox is not there, turned off or full.
    package static func saysOfMailbox(_ line: String) -> Bool {
        let words = words(of: line)
        return !words.contains(any: aboutTheSender)
            && [unknown, disabled, full, suspended, noSuchHost, takesNoMail].contains { words.contains(any: $0) }
    }

    /// Whether a line says, in words that are known, whose fault it is.
    package static func saysWhy(_ line: String) -> Bool {
        let words = words(of: line)
        return saysOfMailbox(line)
            || words.contains("mailbox unavailable")
            || [aboutTheSender, senders, ofTheReceiver, gaveUp].contains { words.contains(any: $0) }
    }

    /// Of a reply in a session: its code, and what was said, which may begin with an enhanced code.
    package init(reply: String?, detail: String?) {
        guard let kind = reply?.first, kind == "4" || kind == "5" else {
            // Nobody said anything about the address.
            self = .ofTheSender
            return
        }
        let first = (detail ?? "").prefix { $0 != " " }
        self.init(status: Code(String(first)).kind == 0 ? "\(kind).0.0" : String(first), text: detail)
    }

    /// In small letters, without the names of addresses and hosts, which say nothing.
    private static func words(of text: String) -> String {
        var words: [Substring] = []
        for word in text.prefix(4000).lowercased().split(whereSeparator: \.isWhitespace) {
            if words.last == "host", word.contains("."), !word.hasSuffix(".") { continue }
            guard word.contains("@") else {
                words.append(word)
                continue
            }
            // `FROM:<kabar@desa.example>`
            let name = word.prefix { $0 != "<" && $0 != "@" }
            if name.hasSuffix(":") { words.append(name) }
        }
        return words.joined(separator: " ")
    }

    /// The numbers of an enhanced status code; zeros if the text has another form.
    struct Code {
        struct Key: Hashable {
            let subject: Int
            let detail: Int
            init(_ subject: Int, _ detail: Int) { (self.subject, self.detail) = (subject, detail) }
        }

        let kind: Int
        let subject: Int
        let detail: Int

        init(_ status: String?) {
            let parts = (status ?? "").split(separator: ".", omittingEmptySubsequences: false)
            let numbers = parts.compactMap { Int($0) }
            let isCode = parts.count == 3 && numbers.count == 3 && (numbers[0] == 4 || numbers[0] == 5)
            (kind, subject, detail) = isCode ? (numbers[0], numbers[1], numbers[2]) : (0, 0, 0)
        }

        /// That the mailbox does not exist.
        var saysGone: Bool { kind == 5 && MailVerdict.goneCodes[Key(subject, detail)] != nil }

        func isAnyOf(_ pairs: (Int, Int)...) -> Bool { pairs.contains { $0 == (subject, detail) } }
    }
}

extension String {
    /// By bytes: what strangers send may be long.
    fileprivate func contains(any phrases: [String]) -> Bool {
        var text = self
        return text.withUTF8 { bytes in phrases.contains { Self.occurs(Array($0.utf8), in: bytes) } }
    }

    private static func occurs(_ phrase: [UInt8], in text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = phrase.first, text.count >= phrase.count else { return false }
        var place = 0
        while place <= text.count - phrase.count {
            if text[place] == first, phrase.indices.allSatisfy({ text[place + $0] == phrase[$0] }) { return true }
            place += 1
        }
        return false
    }
}
