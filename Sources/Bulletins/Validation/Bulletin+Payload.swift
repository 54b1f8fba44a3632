extension Bulletin {
    /// A bulletin from what was stored of an accepted one. Its codes are taken as they stand.
    public init(payload: [UInt8]) throws(JSONParser.Failure) {
        let reading = BulletinReader.read(try JSONParser.parse(payload))
        self = reading.bulletin
        regions = reading.regionCodes.compactMap { Region($0.code) }
        fields = reading.fieldCodes.compactMap { Field($0.code) }
    }
}
