/// Whether a subscription hears a bulletin. The store's SQL says the same through an index; this is
/// the rule in plain words, and what dry runs and explanations use.
extension Subscription {
    public func matches(_ bulletin: Bulletin) -> Bool {
        kinds.contains(bulletin.kind) && bulletin.urgency >= urgency
            && bulletin.fields.contains { field.matches($0) }
            && bulletin.regions.contains { hears($0) }
    }

    /// Whether the subscription's region and reach let it hear what is addressed to `addressed`.
    func hears(_ addressed: Region) -> Bool {
        if addressed == region { return true }
        if addressed.contains(region) { return reach != .downward }
        return region.contains(addressed) && reach != .upward
    }
}
