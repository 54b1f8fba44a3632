/// A difference between a broker and a topology.
public enum TopologyDifference: Sendable, Hashable, CustomStringConvertible {
    /// `object` is `queue 'x'` or `exchange 'x'`.
    case missing(object: String)
    case differs(object: String, argument: String, wanted: String, found: String)

    public var description: String {
        switch self {
        case .missing(let object): "\(object) does not exist"
        case .differs(let object, let argument, let wanted, let found):
            "\(object) has another \(argument): wanted \(wanted), found \(found)"
        }
    }
}

/// RabbitMQ's error text for a queue or exchange that exists with other settings, parsed:
/// `PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'x' in vhost '/': received
/// the value '5' of type 'signedint' but current is the value '3' of type 'signedint'`.
struct InequivalentArgument: Equatable {
    let object: String
    let argument: String
    let wanted: String
    let found: String

    init?(_ text: String) {
        guard let argument = text.between("inequivalent arg '", "' for "),
            let object = text.between("' for ", " in vhost "),
            let wanted = text.between(": received ", " but current is "),
            let found = text.after(" but current is ")
        else { return nil }
        self.argument = String(argument)
        self.object = String(object)
        self.wanted = Self.value(wanted)
        self.found = Self.value(found)
    }

    var error: AMQPError {
        .topologyMismatch(object: object, argument: argument, wanted: wanted, found: found)
    }

    var difference: TopologyDifference {
        .differs(object: object, argument: argument, wanted: wanted, found: found)
    }

    /// Extracts the value from `'5'`, `the value '5' of type 'signedint'`, or `none`.
    private static func value(_ text: Substring) -> String {
        guard let open = text.firstIndex(of: "'") else { return String(text) }
        let rest = text[text.index(after: open)...]
        return String(rest[..<(rest.firstIndex(of: "'") ?? rest.endIndex)])
    }
}

extension StringProtocol where SubSequence == Substring {
    fileprivate func after(_ delimiter: String) -> Substring? {
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(delimiter) { return rest.dropFirst(delimiter.count) }
            rest = rest.dropFirst()
        }
        return nil
    }

    fileprivate func between(_ start: String, _ end: String) -> Substring? {
        guard let rest = after(start), let tail = rest.after(end) else { return nil }
        return rest.dropLast(tail.count + end.count)
    }
}
