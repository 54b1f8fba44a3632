/// The server's side of LMTP (RFC 2033) as a pure state machine: the caller appends bytes and performs one action at
/// a time. It accepts messages to return paths only.
struct LMTPSession {
    enum Action: Equatable {
        case reply(String)
        /// A complete message. The caller replies once per recipient.
        case take(message: [UInt8], recipients: [String])
    }

    private enum State { case commands, data, closed }

    private let isReturnPath: (String) -> Bool
    private var state = State.commands
    private var input: [UInt8] = []
    private var next = 0
    private var hasSender = false
    private var recipients: [String] = []
    private var message: [UInt8] = []
    /// Whether the start of the current line has already been stored.
    private var isWithinLine = false

    private static let maximumLineLength = 4096
    private static let maximumRecipients = 100

    init(isReturnPath: @escaping (String) -> Bool) { self.isReturnPath = isReturnPath }

    static let greeting = "220 kentongan LMTP\r\n"

    mutating func append(_ bytes: some Sequence<UInt8>) {
        if next > 0 {
            input.removeFirst(next)
            next = 0
        }
        input.append(contentsOf: bytes)
    }

    /// Returns the next action. Nil if it needs more bytes.
    mutating func step() -> Action? {
        while state != .closed {
            guard let (line, end) = nextLine() else { return state == .data ? storeLineStart() : rejectEndlessLine() }
            next = end
            if state == .commands { return command(String(decoding: line, as: UTF8.self)) }
            if let action = content(line) { return action }
        }
        return nil
    }

    /// The next line without its end, and the index after that end. Within a message, only CRLF ends a line (RFC 5321
    /// section 2.3.8). A server that accepts `LF . LF` as the end of a message executes the following content as
    /// commands.
    private func nextLine() -> (line: ArraySlice<UInt8>, end: Int)? {
        var from = next
        while let feed = input[from...].firstIndex(of: 0x0A) {
            let hasReturn = feed > next && input[feed - 1] == 0x0D
            if hasReturn { return (input[next..<(feed - 1)], feed + 1) }
            if state == .commands { return (input[next..<feed], feed + 1) }
            from = feed + 1
        }
        return nil
    }

    private mutating func rejectEndlessLine() -> Action? {
        input.count - next > Self.maximumLineLength ? end(with: "500 5.5.6 the line is too long\r\n") : nil
    }

    /// Stores the start of an over-long line, except its last byte, which may be half of the line's end.
    private mutating func storeLineStart() -> Action? {
        guard input.count - next > Self.maximumLineLength else { return nil }
        store(unstuffed(input[next..<(input.count - 1)]))
        next = input.count - 1
        isWithinLine = true
        return nil
    }

    // MARK: - Commands

    /// Handles one command line.
    private mutating func command(_ line: String) -> Action {
        let upper = line.uppercased()
        switch upper.prefix(while: { $0 != " " && $0 != ":" }) {
        case "LHLO":
            reset()
            return .reply(
                "250-kentongan\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n"
                    + "250 SIZE\r\n")
        case "MAIL":
            guard upper.hasPrefix("MAIL FROM:"), !hasSender else { return Self.badSequence }
            hasSender = true
            return .reply("250 2.1.0 ok\r\n")
        case "RCPT": return recipient(line, upper)
        case "DATA":
            guard !recipients.isEmpty else { return .reply("503 5.5.1 no recipient\r\n") }
            state = .data
            return .reply("354 send the message\r\n")
        case "RSET":
            reset()
            return .reply("250 2.0.0 ok\r\n")
        case "NOOP": return .reply("250 2.0.0 ok\r\n")
        case "QUIT": return end(with: "221 2.0.0 bye\r\n")
        default: return .reply("500 5.5.1 unknown command\r\n")
        }
    }

    private mutating func recipient(_ line: String, _ upper: String) -> Action {
        guard hasSender, upper.hasPrefix("RCPT TO:"), let open = line.firstIndex(of: "<"),
            let close = line[open...].firstIndex(of: ">")
        else { return Self.badSequence }
        let address = String(line[line.index(after: open)..<close])
        guard isReturnPath(address) else { return .reply("550 5.1.1 not a return path of this store\r\n") }
        guard recipients.count < Self.maximumRecipients else { return .reply("452 4.5.3 too many recipients\r\n") }
        recipients.append(address)
        return .reply("250 2.1.5 ok\r\n")
    }

    private static let badSequence = Action.reply("503 5.5.1 bad sequence of commands\r\n")

    private mutating func end(with reply: String) -> Action {
        state = .closed
        return .reply(reply)
    }

    /// Whether the connection must be closed after the last reply.
    var isClosed: Bool { state == .closed }

    private mutating func reset() {
        (hasSender, recipients, message, isWithinLine) = (false, [], [], false)
    }

    // MARK: - Messages

    /// Handles one line of a message. A lone dot completes it.
    private mutating func content(_ line: ArraySlice<UInt8>) -> Action? {
        if !isWithinLine, line.elementsEqual([0x2E]) {
            let action = Action.take(message: message, recipients: recipients)
            state = .commands
            reset()
            return action
        }
        store(unstuffed(line))
        store([0x0D, 0x0A])
        isWithinLine = false
        return nil
    }

    /// Removes the dot that the client has stuffed (RFC 5321 section 4.5.2).
    private func unstuffed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        !isWithinLine && line.first == 0x2E ? line.dropFirst() : line
    }

    /// Stores bytes up to `BounceIntake.maximumSize`, and drops the rest of the message.
    private mutating func store(_ bytes: ArraySlice<UInt8>) {
        message += bytes.prefix(max(0, BounceIntake.maximumSize - message.count))
    }
}
