package import Bulletins

extension Publisher {
    package var json: JSONObject {
        [
            "slug": .string(slug), "name": .string(name), "amqpUser": .string(amqpUser),
            "kinds": .texts(scope.kinds.map(\.rawValue).sorted()), "regions": .texts(scope.regions.map(\.code)),
            "fields": .texts(scope.fields.map(\.description)), "emergency": .bool(scope.mayPublishEmergencies),
            "moderated": .bool(isModerated),
        ]
    }
}

extension RegionView {
    package var json: JSONObject {
        [
            "code": .string(region.code), "name": .optional(name), "level": .number(region.level.rawValue),
            "path": .string(path),
        ]
    }
}

extension FieldRegistry.Entry {
    package var json: JSONObject {
        [
            "code": .string(field.code), "nameId": .string(nameID), "nameEn": .string(nameEN),
            "parent": .optional(field.parent?.code),
        ]
    }
}
