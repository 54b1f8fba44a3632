/// How a broker differs from a topology.
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
