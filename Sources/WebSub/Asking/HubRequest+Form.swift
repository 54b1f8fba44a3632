import Feeds
import HTTPPost
import Storage

extension HubRequest {
    /// The longest secret, in bytes. WebSub forbids 200 and more (section 5.1).
    static let longestSecret = 199
    /// The longest callback URL, in bytes. No real callback is longer.
    static let longestCallback = 2048

    /// The lease in seconds where none is asked for: ten days, as section 5.1 proposes.
    static let usualLease: Int64 = 864_000
    /// The shortest and the longest lease, in seconds: five minutes and thirty days. A requested lease is clamped to
    /// these.
    static let leases: ClosedRange<Int64> = 300...2_592_000

    /// Reads a form that was sent to the portal at `publicURL`, which has no slash at its end. Whether the topic exists
    /// is checked elsewhere.
    init(form: HubForm, publicURL: String) throws(HubFault) {
        let callback = try Self.callback(form["hub.callback"])
        self.init(
            mode: try Self.mode(form["hub.mode"]), callback: callback.text, host: callback.target.host,
            owner: HostOwner.name(of: callback.target.host),
            topic: try Self.topic(form["hub.topic"], publicURL).topic,
            leaseSeconds: try Self.lease(form["hub.lease_seconds"]), secret: try Self.secret(form["hub.secret"]))
    }

    private static func mode(_ text: String?) throws(HubFault) -> Mode {
        guard let mode = text.flatMap(Mode.init) else {
            throw HubFault(.malformed, "hub.mode must be subscribe or unsubscribe")
        }
        return mode
    }

    private static func callback(_ text: String?) throws(HubFault) -> (text: String, target: HTTPTarget) {
        guard let text else { throw HubFault(.malformed, "hub.callback is missing") }
        guard text.utf8.count <= longestCallback else {
            throw HubFault(.malformed, "hub.callback must be \(longestCallback) bytes at most")
        }
        do {
            let target = try HTTPTarget(text)
            return (target.canonical, target)
        } catch {
            // The message leaves the reason out, since the reason would show the address.
            throw HubFault(.malformed, "hub.callback must be an http or https URL in its plainest spelling")
        }
    }

    private static func topic(_ text: String?, _ publicURL: String) throws(HubFault) -> FeedAddress {
        guard let text else { throw HubFault(.malformed, "hub.topic is missing") }
        // Compared as bytes, since two strings are equal if they are canonically equivalent.
        guard text.utf8.starts(with: publicURL.utf8),
            let address = FeedAddress(ownPath: String(text.dropFirst(publicURL.count))),
            address.archive == nil, text.utf8.elementsEqual((publicURL + address.path).utf8)
        else { throw HubFault(.unknownTopic, unknownTopic) }
        return address
    }

    /// The reason for every unknown topic, the same for a private feed that does not exist.
    static let unknownTopic = "hub.topic must be the self address of a feed of this portal"

    /// Reads digits only. A number beyond the range of `Int64` counts as the longest lease.
    private static func lease(_ text: String?) throws(HubFault) -> Int64 {
        guard let text else { return usualLease }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw HubFault(.malformed, "hub.lease_seconds must be a number of seconds")
        }
        return min(max(Int64(text) ?? .max, leases.lowerBound), leases.upperBound)
    }

    private static func secret(_ text: String?) throws(HubFault) -> String? {
        guard text?.utf8.count ?? 0 <= longestSecret else {
            throw HubFault(.malformed, "hub.secret must be less than 200 bytes")
        }
        return text
    }
}

extension FeedAddress {
    private static let folder = "/feeds/"

    /// Reads the path of a feed's own address.
    init?(ownPath: String) {
        guard ownPath.hasPrefix(Self.folder) else { return nil }
        self.init(path: String(ownPath.dropFirst(Self.folder.count)))
    }

    /// The topic of a subscription at the hub.
    fileprivate var topic: HubTopic { HubTopic(path: path, source: source) }
}
