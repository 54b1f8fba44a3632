/// How a feed tells who reads it where it is pushed from (WebSub, section 4).
enum HubLinks {
    /// The value of `Link` (RFC 8288), both relations in one.
    static func header(hub: String, own: String) -> String { "<\(hub)>; rel=\"hub\", <\(own)>; rel=\"self\"" }
}

extension PortalSettings {
    /// Where the hub is.
    var hubURL: String { publicURL + "/websub" }
}
