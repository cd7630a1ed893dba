def page(document):
    return ""
