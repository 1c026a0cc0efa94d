import { enableSession } from './session.mts'
import { enableTheme } from './theme.mts'

enableTheme()
enableSession()
